/** Reads of the 16-bit float formats; every value of both is exact in f32. */

/** IEEE 754 binary16: 1 sign bit, 5 of exponent, 10 of fraction. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16: the upper half of an f32. */
export function fromBfloat16(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
