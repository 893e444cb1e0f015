/** The functions of `scalar/math` on four lanes: the same operations in the same order, so the same bits. */
export class F32x4 {
  /** NaN passes through. */
  @inline static clamp(x: v128, lo: v128, hi: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, lo), hi);
  }

  /** p·x + c, rounded twice. */
  @inline static step(p: v128, x: v128, c: f32): v128 {
    return f32x4.add(f32x4.mul(p, x), f32x4.splat(c));
  }

  static exp(x: v128): v128 {
    const y = F32x4.clamp(x, f32x4.splat(-104), f32x4.splat(89));
    const n = f32x4.nearest(f32x4.mul(y, f32x4.splat(1.44269504)));
    const r = f32x4.sub(f32x4.sub(y, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
    let p = f32x4.splat(1.98756915e-4);
    p = F32x4.step(p, r, 1.3981999507e-3);
    p = F32x4.step(p, r, 8.3334519073e-3);
    p = F32x4.step(p, r, 4.1665795894e-2);
    p = F32x4.step(p, r, 1.6666665459e-1);
    p = F32x4.step(p, r, 5.0000001201e-1);
    p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
    const i = i32x4.trunc_sat_f32x4_s(n);
    const half = i32x4.shr_s(i, 1);
    const bias = i32x4.splat(127);
    return f32x4.mul(f32x4.mul(p, i32x4.shl(i32x4.add(half, bias), 23)), i32x4.shl(i32x4.add(i32x4.sub(i, half), bias), 23));
  }

  @inline static sigmoid(x: v128): v128 {
    const one = f32x4.splat(1);
    return f32x4.div(one, f32x4.add(one, F32x4.exp(f32x4.neg(x))));
  }

  static tanh(x: v128): v128 {
    const y = F32x4.clamp(x, f32x4.splat(-7.998811721801758), f32x4.splat(7.998811721801758));
    const s = f32x4.mul(y, y);
    let p = f32x4.splat(-2.76076847742355e-16);
    p = F32x4.step(p, s, 2.00018790482477e-13);
    p = F32x4.step(p, s, -8.60467152213735e-11);
    p = F32x4.step(p, s, 5.12229709037114e-8);
    p = F32x4.step(p, s, 1.48572235717979e-5);
    p = F32x4.step(p, s, 6.37261928875436e-4);
    p = F32x4.step(p, s, 4.89352455891786e-3);
    let q = f32x4.splat(1.19825839466702e-6);
    q = F32x4.step(q, s, 1.18534705686654e-4);
    q = F32x4.step(q, s, 2.268434632439e-3);
    q = F32x4.step(q, s, 4.89352518554385e-3);
    return f32x4.div(f32x4.mul(y, p), q);
  }

  static erf(x: v128): v128 {
    const y = F32x4.clamp(x, f32x4.splat(-4), f32x4.splat(4));
    const s = f32x4.mul(y, y);
    let p = f32x4.splat(-2.72614225801306e-10);
    p = F32x4.step(p, s, 2.77068142495902e-8);
    p = F32x4.step(p, s, -2.10102402082508e-6);
    p = F32x4.step(p, s, -5.69250639462346e-5);
    p = F32x4.step(p, s, -7.34990630326855e-4);
    p = F32x4.step(p, s, -2.95459980854025e-3);
    p = F32x4.step(p, s, -1.60960333262415e-2);
    let q = f32x4.splat(-1.45660718464996e-5);
    q = F32x4.step(q, s, -2.13374055278905e-4);
    q = F32x4.step(q, s, -1.68282697438203e-3);
    q = F32x4.step(q, s, -7.37332916720468e-3);
    q = F32x4.step(q, s, -1.42647390514189e-2);
    return f32x4.div(f32x4.mul(y, p), q);
  }

  @inline static gelu(x: v128): v128 {
    const erf = F32x4.erf(f32x4.mul(x, f32x4.splat(0.7071067811865476)));
    return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(f32x4.splat(1), erf));
  }

  @inline static gelu_tanh(x: v128): v128 {
    const cube = f32x4.mul(f32x4.mul(x, x), x);
    const y = f32x4.mul(f32x4.splat(1.5957691216), f32x4.add(x, f32x4.mul(f32x4.splat(0.044715), cube)));
    return f32x4.mul(x, F32x4.sigmoid(y));
  }

  @inline static mish(x: v128): v128 {
    const two = f32x4.splat(2);
    const e = F32x4.exp(F32x4.clamp(x, f32x4.splat(-104), f32x4.splat(20)));
    const m = f32x4.mul(e, f32x4.add(e, two));
    return f32x4.mul(x, f32x4.div(m, f32x4.add(m, two)));
  }

  /** Lane by lane through the scalar logarithm. */
  static log(x: v128): v128 {
    const low = f32x4.replace_lane(f32x4.splat(NativeMathf.log(f32x4.extract_lane(x, 0))), 1, NativeMathf.log(f32x4.extract_lane(x, 1)));
    const high = f32x4.replace_lane(low, 2, NativeMathf.log(f32x4.extract_lane(x, 2)));
    return f32x4.replace_lane(high, 3, NativeMathf.log(f32x4.extract_lane(x, 3)));
  }

  static log1p(x: v128): v128 {
    const low = f32x4.replace_lane(
      f32x4.splat(NativeMathf.log1p(f32x4.extract_lane(x, 0))),
      1,
      NativeMathf.log1p(f32x4.extract_lane(x, 1)),
    );
    const high = f32x4.replace_lane(low, 2, NativeMathf.log1p(f32x4.extract_lane(x, 2)));
    return f32x4.replace_lane(high, 3, NativeMathf.log1p(f32x4.extract_lane(x, 3)));
  }

  @inline static softplus(x: v128): v128 {
    return f32x4.add(f32x4.max(x, f32x4.splat(0)), F32x4.log1p(F32x4.exp(f32x4.neg(f32x4.abs(x)))));
  }

  static pow(x: v128, y: v128): v128 {
    let z = f32x4.splat(NativeMathf.pow(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
    z = f32x4.replace_lane(z, 1, NativeMathf.pow(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
    z = f32x4.replace_lane(z, 2, NativeMathf.pow(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
    z = f32x4.replace_lane(z, 3, NativeMathf.pow(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
    const one = f32x4.splat(1);
    const limit = v128.and(f32x4.eq(f32x4.abs(x), one), f32x4.eq(f32x4.abs(y), f32x4.splat(Infinity)));
    z = v128.bitselect(f32x4.mul(x, x), z, f32x4.eq(y, f32x4.splat(2)));
    return v128.bitselect(one, z, v128.or(f32x4.eq(x, one), limit));
  }
}
