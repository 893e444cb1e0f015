/** What picks among the places of an axis. */
export class Pick {
  /** The i32 at `p` as an index in a dimension of n: 0 to n − 1, counted from the end where it is negative. Traps where it lies outside. */
  static index(p: usize, n: i32): i32 {
    const given = load<i32>(p);
    const index = given < 0 ? given + n : given;
    if (<u32>index >= <u32>n) unreachable();
    return index;
  }

  /** Copies `bytes`: single elements faster than by a call. */
  @inline static copy(to: usize, from: usize, bytes: i32): void {
    if (bytes === 4) store<u32>(to, load<u32>(from));
    else if (bytes === 1) store<u8>(to, load<u8>(from));
    else memory.copy(to, from, bytes);
  }
}
