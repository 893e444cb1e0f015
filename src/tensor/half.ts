/** The 16-bit float formats; every value of both is exact in f32. */
import { roundEven } from "./grid.ts";

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

/** The nearest value of a format with so many bits of fraction, least normal exponent and largest value; ties to even, beyond the largest infinite. */
function rounded(value: number, fraction: number, least: number, largest: number): number {
  word.setFloat32(0, value);
  const exponent = ((word.getUint32(0) >> 23) & 255) - 127;
  const step = 2 ** (Math.max(exponent, least) - fraction);
  const near = roundEven(value / step) * step;
  return Math.abs(near) > largest ? Math.sign(near) * Number.POSITIVE_INFINITY : near;
}

/** An f32 as the nearest that IEEE 754 binary16 has. */
export const roundToFloat16 = (value: number): number => rounded(value, 10, -14, 65504);

/** An f32 as the nearest that bfloat16 has. */
export const roundToBfloat16 = (value: number): number => rounded(value, 7, -126, 2 ** 127 * (2 - 2 ** -7));
