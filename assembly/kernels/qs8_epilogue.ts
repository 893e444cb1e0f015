/**
 * From i32 accumulators to outputs, 16 lanes at a time (docs/quantization.md, "Requantization"); `scalar/qs8_epilogue` is the definition.
 * Only the lower bound is applied to floats: what is above the upper one stays above it when rounded by adding 1.5 · 2²³ and saturates
 * in the narrowing, so that one integer minimum for 16 lanes gives the same result.
 */
import { Field } from "../lib/record";
import { EpilogueField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/** 1.5 · 2²³: an f32 x with |x| < 2²² added to it leaves round(x) in the low bits. */
const MAGIC: f32 = 12582912;
const I8_MIN = -128;
const MAGIC_BITS = 0x4b400000;

/** 16 zero accumulators, and the bias of layers that have none. */
const ZEROS = memory.data(64, 16);

export class Epilogue {
  /** Accumulators of i8 outputs start from the bias, those of f32 outputs from zero. */
  @inline static start(bias: usize, e: usize): usize {
    return Field.i32(e, EpilogueField.c_size) === 1 ? Epilogue.bias(bias) : ZEROS;
  }

  @inline static bias(bias: usize): usize {
    return bias ? bias : ZEROS;
  }

  @inline static zero(e: usize): i32 {
    const dynamic = Field.address(e, EpilogueField.dynamic);
    return dynamic ? load<i32>(dynamic, 4) : Field.i32(e, EpilogueField.a_zero);
  }

  /** Finishes 16 accumulators and stores the first `lanes` of them at `c`. */
  @inline static store(v0: v128, v1: v128, v2: v128, v3: v128, bias: usize, scale: usize, c: usize, lanes: i32, e: usize): void {
    if (Field.i32(e, EpilogueField.c_size) === 1) {
      const zero = Field.i32(e, EpilogueField.c_zero);
      const lo = f32x4.splat(f32(Field.i32(e, EpilogueField.lo) - zero));
      const offset = Requantize.offset(zero);
      const q0 = Requantize.i32x4(v0, v128.load(scale), lo, offset);
      const q1 = Requantize.i32x4(v1, v128.load(scale, 16), lo, offset);
      const q2 = Requantize.i32x4(v2, v128.load(scale, 32), lo, offset);
      const q3 = Requantize.i32x4(v3, v128.load(scale, 48), lo, offset);
      const q = Requantize.narrow(q0, q1, q2, q3, i8x16.splat(i8(Field.i32(e, EpilogueField.hi))));
      Bytes.store(c, q, lanes);
    } else {
      Dequantize.store(v0, v1, bias, scale, c, lanes, e);
      Dequantize.store(v2, v3, bias + 32, scale + 32, c + 32, lanes - 8, e);
    }
  }

  /** Finishes 8 accumulators for each of two addresses and stores the first `lanes` (at most 8) of them there. */
  @inline static store2(
    v00: v128,
    v01: v128,
    v10: v128,
    v11: v128,
    bias: usize,
    scale: usize,
    c0: usize,
    c1: usize,
    lanes: i32,
    e: usize,
  ): void {
    if (Field.i32(e, EpilogueField.c_size) === 1) {
      const zero = Field.i32(e, EpilogueField.c_zero);
      const lo = f32x4.splat(f32(Field.i32(e, EpilogueField.lo) - zero));
      const offset = Requantize.offset(zero);
      const s0 = v128.load(scale);
      const s1 = v128.load(scale, 16);
      const q00 = Requantize.i32x4(v00, s0, lo, offset);
      const q01 = Requantize.i32x4(v01, s1, lo, offset);
      const q10 = Requantize.i32x4(v10, s0, lo, offset);
      const q11 = Requantize.i32x4(v11, s1, lo, offset);
      const q = Requantize.narrow(q00, q01, q10, q11, i8x16.splat(i8(Field.i32(e, EpilogueField.hi))));
      if (lanes === 8) {
        v128.store64_lane(c0, q, 0);
        v128.store64_lane(c1, q, 1);
      } else {
        Bytes.store_tail(c0, q, lanes);
        Bytes.store_tail(c1, v128.shuffle<i64>(q, q, 1, 0), lanes);
      }
    } else {
      Dequantize.store(v00, v01, bias, scale, c0, lanes, e);
      Dequantize.store(v10, v11, bias, scale, c1, lanes, e);
    }
  }
}

export class Requantize {
  /** round(max(acc · factor, lo)) + zero, where `lo` is relative to zero and `offset` is from `Requantize.offset`. */
  @inline static i32x4(acc: v128, factor: v128, lo: v128, offset: v128): v128 {
    return Requantize.round(f32x4.mul(f32x4.convert_i32x4_s(acc), factor), lo, offset);
  }

  /** round(max(x, lo)) + zero; NaN becomes the lower bound. */
  @inline static round(x: v128, lo: v128, offset: v128): v128 {
    return i32x4.sub(f32x4.add(f32x4.pmax(lo, x), f32x4.splat(MAGIC)), offset);
  }

  /** What takes the bits of a rounded float to an integer on a grid with `zero`. */
  @inline static offset(zero: i32): v128 {
    return i32x4.splat(MAGIC_BITS - zero);
  }

  /** 16 sums with one factor to 16 i8. */
  @inline static sums(s0: v128, s1: v128, s2: v128, s3: v128, factor: f32, zero: i32): v128 {
    const f = f32x4.splat(factor);
    const lo = f32x4.splat(f32(I8_MIN - zero));
    const offset = Requantize.offset(zero);
    const q0 = Requantize.i32x4(s0, f, lo, offset);
    const q1 = Requantize.i32x4(s1, f, lo, offset);
    return Requantize.narrow(q0, q1, Requantize.i32x4(s2, f, lo, offset), Requantize.i32x4(s3, f, lo, offset), i8x16.splat(127));
  }

  @inline static narrow(q0: v128, q1: v128, q2: v128, q3: v128, hi: v128): v128 {
    return i8x16.min_s(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3)), hi);
  }
}

export class Dequantize {
  /** Scale of the input: 1 where it is known at build time, since then it stands in the outputs' scales. */
  @inline static input(e: usize): f32 {
    const dynamic = Field.address(e, EpilogueField.dynamic);
    return dynamic ? load<f32>(dynamic) : 1;
  }

  /** clamp(acc · scale + bias), scale times that of the input. */
  @inline static i32x4(acc: v128, scale: v128, bias: v128, lo: v128, hi: v128): v128 {
    return F32x4.clamp(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), bias), lo, hi);
  }

  /** Finishes and stores 8 accumulators. */
  @inline static row(c: usize, v0: v128, v1: v128, scale0: v128, scale1: v128, bias0: v128, bias1: v128, lo: v128, hi: v128): void {
    v128.store(c, Dequantize.i32x4(v0, scale0, bias0, lo, hi));
    v128.store(c, Dequantize.i32x4(v1, scale1, bias1, lo, hi), 16);
  }

  /** Finishes 8 accumulators and stores the first `lanes` of them. */
  static store(v0: v128, v1: v128, bias: usize, scale: usize, c: usize, lanes: i32, e: usize): void {
    const input = f32x4.splat(Dequantize.input(e));
    const lo = f32x4.splat(Field.f32(e, EpilogueField.lo));
    const hi = f32x4.splat(Field.f32(e, EpilogueField.hi));
    Lanes.store(c, Dequantize.i32x4(v0, f32x4.mul(input, v128.load(scale)), v128.load(bias), lo, hi), lanes);
    Lanes.store(c + 16, Dequantize.i32x4(v1, f32x4.mul(input, v128.load(scale, 16)), v128.load(bias, 16), lo, hi), lanes - 4);
  }
}
