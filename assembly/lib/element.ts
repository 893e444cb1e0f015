import { Element } from "../shared/elementwise";

/** Integers and bool of a type that is known only when the plan runs, as i32. */
export class Elements {
  /** log₂ of the bytes of an element; of f32 too. */
  @inline static shift(type: i32): i32 {
    return type === Element.i32 || Elements.real(type) ? 2 : 0;
  }

  /** Whether elements are f32. */
  @inline static real(type: i32): bool {
    return type === Element.f32 || type >= Element.f16;
  }

  @inline static load(p: usize, type: i32): i32 {
    if (type === Element.i32) return load<i32>(p);
    return type === Element.i8 ? <i32>load<i8>(p) : <i32>load<u8>(p);
  }

  /** Wraps to the width of the type. */
  @inline static store(p: usize, type: i32, value: i32): void {
    if (type === Element.i32) store<i32>(p, value);
    else store<i8>(p, <i8>value);
  }
}
