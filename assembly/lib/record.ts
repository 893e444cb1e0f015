/** Reads the fields of a plan record at address `r` by their word offset (the enums of `shared/plan`). */
export class Field {
  @inline static i32(r: usize, field: i32): i32 {
    return load<i32>(r + ((<usize>field) << 2));
  }

  @inline static f32(r: usize, field: i32): f32 {
    return load<f32>(r + ((<usize>field) << 2));
  }

  @inline static address(r: usize, field: i32): usize {
    return <usize>load<u32>(r + ((<usize>field) << 2));
  }
}
