/**
 * Functions of one f32 made of +, −, ×, ÷ and bit operations alone, so that every engine gives the same bits.
 * `kernels/math` does the same steps in the same order on four lanes.
 */
export class F32 {
  /** NaN passes through. */
  @inline static clamp(x: f32, lo: f32, hi: f32): f32 {
    const y: f32 = x < lo ? lo : x;
    return hi < y ? hi : y;
  }

  /**
   * eˣ by x = n·ln 2 + r, |r| ≤ ln 2 / 2, ln 2 in two parts (Cody and Waite), and Cephes' polynomial for e^r (`expf.c`, S. Moshier).
   * 2ⁿ is applied in two halves so that subnormal results come out right. Relative error below 2e-7.
   */
  static exp(x: f32): f32 {
    const y = F32.clamp(x, -104, 89);
    const n = nearest<f32>(y * <f32>1.44269504);
    const r = y - n * <f32>0.693359375 - n * <f32>-2.1219444e-4;
    let p: f32 = 1.98756915e-4;
    p = p * r + <f32>1.3981999507e-3;
    p = p * r + <f32>8.3334519073e-3;
    p = p * r + <f32>4.1665795894e-2;
    p = p * r + <f32>1.6666665459e-1;
    p = p * r + <f32>5.0000001201e-1;
    p = p * (r * r) + r + <f32>1;
    const i = <i32>n;
    const half = i >> 1;
    return p * reinterpret<f32>((half + 127) << 23) * reinterpret<f32>((i - half + 127) << 23);
  }

  @inline static sigmoid(x: f32): f32 {
    return <f32>1 / (<f32>1 + F32.exp(-x));
  }

  /** Rational minimax approximation of degree 13/6, coefficients as in Eigen (`generic_fast_tanh_float`). Relative error below 5e-7. */
  static tanh(x: f32): f32 {
    const y = F32.clamp(x, -7.998811721801758, 7.998811721801758);
    const s = y * y;
    let p: f32 = -2.76076847742355e-16;
    p = p * s + <f32>2.00018790482477e-13;
    p = p * s + <f32>-8.60467152213735e-11;
    p = p * s + <f32>5.12229709037114e-8;
    p = p * s + <f32>1.48572235717979e-5;
    p = p * s + <f32>6.37261928875436e-4;
    p = p * s + <f32>4.89352455891786e-3;
    let q: f32 = 1.19825839466702e-6;
    q = q * s + <f32>1.18534705686654e-4;
    q = q * s + <f32>2.268434632439e-3;
    q = q * s + <f32>4.89352518554385e-3;
    return (y * p) / q;
  }

  /** Rational minimax approximation of degree 13/8, coefficients as in Eigen (`generic_fast_erf_float`). Error below 5e-7; ±1 beyond ±4. */
  static erf(x: f32): f32 {
    const y = F32.clamp(x, -4, 4);
    const s = y * y;
    let p: f32 = -2.72614225801306e-10;
    p = p * s + <f32>2.77068142495902e-8;
    p = p * s + <f32>-2.10102402082508e-6;
    p = p * s + <f32>-5.69250639462346e-5;
    p = p * s + <f32>-7.34990630326855e-4;
    p = p * s + <f32>-2.95459980854025e-3;
    p = p * s + <f32>-1.60960333262415e-2;
    let q: f32 = -1.45660718464996e-5;
    q = q * s + <f32>-2.13374055278905e-4;
    q = q * s + <f32>-1.68282697438203e-3;
    q = q * s + <f32>-7.37332916720468e-3;
    q = q * s + <f32>-1.42647390514189e-2;
    return (y * p) / q;
  }

  /** x · Φ(x), the exact form (with erf, not tanh). */
  @inline static gelu(x: f32): f32 {
    return <f32>0.5 * x * (<f32>1 + F32.erf(x * <f32>0.7071067811865476));
  }

  /** log(1 + eˣ), without overflow. */
  @inline static softplus(x: f32): f32 {
    return max<f32>(x, 0) + NativeMathf.log1p(F32.exp(-abs<f32>(x)));
  }

  /** ½x · (1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel 2016), which is x · sigmoid of twice that, and so goes to 0 below. */
  @inline static gelu_tanh(x: f32): f32 {
    return x * F32.sigmoid(<f32>1.5957691216 * (x + <f32>0.044715 * (x * x * x)));
  }

  /** x · tanh(log(1 + eˣ)), which is x · m / (m + 2) for m = eˣ(eˣ + 2); from 20 on f32 has only x. */
  @inline static mish(x: f32): f32 {
    const e = F32.exp(F32.clamp(x, -104, 20));
    const m = e * (e + <f32>2);
    return x * (m / (m + <f32>2));
  }

  /** Squares are one product, as every reference has them; 1 to any power and ±1 to an infinite one are 1, as in C and not as in JavaScript. */
  @inline static pow(x: f32, y: f32): f32 {
    if (x === 1 || (abs<f32>(x) === 1 && abs<f32>(y) === Infinity)) return 1;
    return y === 2 ? x * x : NativeMathf.pow(x, y);
  }
}
