/**
 * The plan: what the host writes and the interpreter in `assembly/run.ts` reads.
 *
 * A plan is a flat array of 32-bit words. Each record is `[op, words, ...fields]`: its op code, its length in words
 * (these two included), and its fields at the offsets that the enums below name. Op code `end` closes the plan.
 * A field is an i32 or the bits of an f32; addresses are absolute positions in wasm memory, 0 for an absent operand.
 * Only enums and literals stand here, so that asc and tsc read the same file; `Op` is no `const enum`, since the host names kernels by it.
 * Append only, never renumber.
 */

/** Bumped whenever a plan or a packed layout that an older module wrote would be read wrongly. */
export const ABI_VERSION = 2;

/** First byte that a model's memory image may use; static data of the module lies below (`__heap_base`). */
export const IMAGE_START = 4096;

export enum Op {
  end = 0,
  copy = 1,
  fill = 2,
  f32_unary = 3,
  f32_binary = 4,
  f32_pack = 5,
  f32_gemm = 6,
  f32_conv = 7,
  f32_dwconv = 8,
  f32_pool = 9,
  f32_reduce = 10,
  f32_softmax = 11,
  f32_layernorm = 12,
  qs8_quantize = 13,
  qs8_dequantize = 14,
  qs8_quantize_dynamic = 15,
  qs8_gemm = 16,
  qs8_conv = 17,
  qs8_dwconv = 18,
  qs8_pool = 19,
  qs8_reduce_mean = 20,
  qs8_binary = 21,
  qs8_table = 22,
  /** Control: `assembly/shared/control.ts`. */
  jump = 23,
  jump_if = 24,
  jump_below = 25,
  count = 26,
  copy_at = 27,
  /** Elements of any type: `assembly/shared/elementwise.ts`. */
  cast = 30,
  element_binary = 31,
  element_unary = 32,
  where = 33,
  /** Data-dependent movement: `assembly/shared/indexing.ts`. */
  gather = 40,
  gather_elements = 41,
  gather_nd = 42,
  scatter_elements = 43,
  scatter_nd = 44,
  arg = 45,
  top_k = 46,
  cumulative_sum = 47,
  one_hot = 48,
  non_zero = 49,
  compress = 50,
  unique = 51,
  non_max_suppression = 52,
  reverse_sequence = 53,
  /** Sampling: `assembly/shared/sampling.ts`. */
  resample = 60,
  grid_sample = 61,
  roi_align = 62,
  pool_indices = 64,
  roi_pool = 65,
  /** Weights in blocks. */
  qs8_qbw_gemm = 70,
  /** `assembly/shared/attention.ts`. */
  f32_attention = 80,
  f32_rmsnorm = 81,
  /** Layers with sparse weights: `assembly/shared/sparse.ts`. */
  qs8_sparse_bsr = 100,
  qs8_sparse_csr = 101,
  f32_sparse_bsr = 102,
  f32_sparse_csr = 103,
  /** A `qs8_conv` of 3×3 taps, stride 1, no dilation, one group, in_c a multiple of 8. */
  qs8_winograd = 90,
}

/** Words before a record's first field. */
export enum Header {
  op = 0,
  words = 1,
}

/** Strided copy: `dst[Σ iₖ·tₖ] = src[Σ iₖ·sₖ]` over dims d0 (outermost) to d5; strides count elements of `size` bytes. */
export enum CopyField {
  src = 2,
  dst,
  size,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  s0,
  s1,
  s2,
  s3,
  s4,
  s5,
  t0,
  t1,
  t2,
  t3,
  t4,
  t5,
}

/** `count` elements of `size` (1 or 4) bytes at `dst` become `value` (its low byte, or all of it). */
export enum FillField {
  dst = 2,
  size,
  count,
  value,
}

export enum Unary {
  clamp = 0,
  abs = 1,
  neg = 2,
  exp = 3,
  log = 4,
  sqrt = 5,
  reciprocal = 6,
  sigmoid = 7,
  tanh = 8,
  erf = 9,
  gelu = 10,
  hard_sigmoid = 11,
  hard_swish = 12,
  leaky_relu = 13,
  floor = 14,
  ceil = 15,
  elu = 16,
  softplus = 17,
  silu = 18,
  /** Half to even. */
  round = 19,
  /** Gelu with tanh in place of erf. */
  gelu_tanh = 20,
  mish = 21,
  softsign = 22,
  sign = 23,
  selu = 24,
  celu = 25,
  thresholded_relu = 26,
  shrink = 27,
  sin = 28,
  cos = 29,
  tan = 30,
  asin = 31,
  acos = 32,
  atan = 33,
  sinh = 34,
  cosh = 35,
  asinh = 36,
  acosh = 37,
  atanh = 38,
}

/**
 * `c[i] = kind(a[i])`; `alpha`, `beta` are f32: clamp's bounds, hard_sigmoid's slope and offset, the slope of leaky_relu, elu and celu, silu's factor, selu's slope and
 * gain, thresholded_relu's threshold, shrink's bias and threshold.
 */
export enum UnaryField {
  kind = 2,
  n,
  a,
  alpha,
  beta,
  c,
}

export enum Binary {
  add = 0,
  sub = 1,
  mul = 2,
  div = 3,
  pow = 4,
  min = 5,
  max = 6,
  /** a where it is not negative, else a · b. */
  prelu = 7,
}

/**
 * `c[i] = clamp(kind(a[…], b[…]))` over dims d0 (outermost) to d5, c dense; a stride of 0 broadcasts.
 * f32: `lo`, `hi` are f32 bounds. qs8 (add, sub, mul; docs/quantization.md): `lo`, `hi` are i32 bounds on the grid; `a_scale`, `b_scale` are
 * f32(s_a / s_c) and f32(s_b / s_c) for add and sub; for mul `a_scale` is f32(f32(s_a · s_b) / s_c) and `b_scale` is not read.
 */
export enum BinaryField {
  kind = 2,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  a,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  b,
  b0,
  b1,
  b2,
  b3,
  b4,
  b5,
  c,
  lo,
  hi,
  a_zero,
  b_zero,
  c_zero,
  a_scale,
  b_scale,
}

/** Packs a k×n right-hand matrix held in memory into `f32_gemm`'s layout, `batch` times: element (k, n) at `b + 4·(k·k_stride + n·n_stride)`. */
export enum PackField {
  batch = 2,
  n,
  k,
  b,
  b_step,
  k_stride,
  n_stride,
  w,
  w_step,
}

/**
 * `c[m×n] = clamp(a[m×k] · w + bias)`, `batch` times; lda and ldc are row strides, *_step the strides between batches, all in elements.
 * f32: a, c are f32, lo and hi f32. qs8: a is i8 with `a_zero`; where `c_size` is 1, c is i8: clamp(round(acc·scale[n]) + c_zero, lo, hi)
 * with i32 bias; where it is 4, c is f32: clamp(acc·scale[n] + bias[n], lo, hi) with f32 bias. `dynamic`, if not 0, is the address of
 * {f32 scale, i32 zero} written by qs8_quantize_dynamic: a_zero comes from there and scale[n] is multiplied by that scale (c_size is 4).
 * qs8: `bias` (0 if there is none) and `scale` hold ⌈n/16⌉ · 16 elements; `scratch` has `qs8GemmScratch` bytes (src/plan/pack-qs8.ts), 0 for f32.
 */
export enum GemmField {
  batch = 2,
  m,
  n,
  k,
  a,
  lda,
  a_step,
  w,
  w_step,
  bias,
  scale,
  c,
  ldc,
  c_step,
  lo,
  hi,
  a_zero,
  c_zero,
  c_size,
  dynamic,
  scratch,
}

/**
 * Convolution, NHWC in and out; in and out channels are totals over all groups. Epilogue fields as in GemmField.
 * Also `*_dwconv` (groups == in_c == out_c; `groups` is then ignored). qs8: weights, `bias` and `scale` are padded group by group, each to
 * ⌈(out_c/groups)/16⌉ · 16 outputs, a depthwise layer as one group; `scratch` has `qs8ConvScratch`,
 * `qs8WinogradScratch` or `qs8DepthwiseScratch` bytes.
 */
export enum ConvField {
  batch = 2,
  in_h,
  in_w,
  in_c,
  out_h,
  out_w,
  out_c,
  kernel_h,
  kernel_w,
  stride_h,
  stride_w,
  dilation_h,
  dilation_w,
  pad_top,
  pad_left,
  groups,
  a,
  w,
  bias,
  scale,
  c,
  lo,
  hi,
  a_zero,
  c_zero,
  c_size,
  dynamic,
  scratch,
}

/** Offsets from `lo` of the fields that end GemmField and ConvField alike, so that one epilogue serves both. */
export enum EpilogueField {
  lo = 0,
  hi,
  a_zero,
  c_zero,
  c_size,
  dynamic,
}

export enum Pool {
  max = 0,
  average = 1,
}

/**
 * Pooling, NHWC. `include_pad`: 1 divides an average by the window's size with padding (never beyond pad_bottom/right), 0 by the elements inside.
 * qs8: max keeps the grid; average gives requantize(Σ(a − a_zero), f32(scale / count), c_zero, −128, 127) with scale = f32(s_a / s_c).
 */
export enum PoolField {
  kind = 2,
  batch,
  in_h,
  in_w,
  channels,
  out_h,
  out_w,
  kernel_h,
  kernel_w,
  stride_h,
  stride_w,
  dilation_h,
  dilation_w,
  pad_top,
  pad_left,
  pad_bottom,
  pad_right,
  include_pad,
  a,
  c,
  a_zero,
  c_zero,
  scale,
}

export enum Reduce {
  mean = 0,
  sum = 1,
  max = 2,
  min = 3,
  prod = 4,
}

/** Over a viewed as [outer, n, inner]: `c[o, i] = reduceₙ a[o, n, i]`. qs8_reduce_mean: clamp(round(Σ(a − a_zero) · scale) + c_zero), scale = f32(sₐ / s_c / n). */
export enum ReduceField {
  kind = 2,
  outer,
  n,
  inner,
  a,
  c,
  a_zero,
  c_zero,
  scale,
}

/** Along rows of n: `c = softmax(a)`, or its logarithm. */
export enum SoftmaxField {
  rows = 2,
  n,
  a,
  c,
  log,
}

/**
 * Along rows of n: `c = (a − mean) / √(variance + epsilon) · scale + bias`; scale and bias have n elements or are absent (0).
 * f32_rmsnorm: `c = a / √(mean of squares + epsilon) · scale`.
 */
export enum LayerNormField {
  rows = 2,
  n,
  a,
  scale,
  bias,
  c,
  epsilon,
}

/** qs8_quantize: f32 a → i8 c by f32 `scale` and i32 `zero`. qs8_dequantize: i8 a → f32 c. Per-tensor. */
export enum QuantizeField {
  n = 2,
  a,
  c,
  scale,
  zero,
}

/** f32 a → i8 c; writes {f32 scale, i32 zero} at `dynamic`. */
export enum QuantizeDynamicField {
  n = 2,
  a,
  c,
  dynamic,
}

/** `c[i] = table[a[i] + 128]`, both i8. */
export enum TableField {
  n = 2,
  a,
  table,
  c,
}

/**
 * `c[m×n] = clamp(a[m×k] · w + bias)`, all dense, where w has a scale for each `block` of k (docs/quantization.md, "Weights in blocks").
 * `a_size` 1: a is i8 with `a_zero`, `factor` f32 its scale, over that of c where c is i8. `a_size` 4: a is f32, and each row is put on the grid of its
 * range. `c_size` 4: c, `lo`, `hi` are f32. `c_size` 1 (a is i8): c is i8 with `c_zero`, `lo`, `hi` i32 on its grid; `bias` is over the scale of c.
 * `bits` 8: `w` as `qs8_gemm`'s of an even k; 4: nibbles in panels of 16 outputs (src/plan/pack-qbw.ts) that stand for the integer and a zero point,
 * u8 for each block and output at `zeros`, 8 where that is 0. k is padded with zeros to a multiple of 8; `block` is one.
 * `scale`, `zeros`: [⌈n/16⌉][⌈k/block⌉][16]; `bias` f32, 0 if there is none, padded to ⌈n/16⌉ · 16. `scratch` has `qbwScratch` bytes.
 */
export enum BlockGemmField {
  m = 2,
  n,
  k,
  block,
  bits,
  a,
  a_size,
  w,
  zeros,
  scale,
  bias,
  c,
  factor,
  lo,
  hi,
  a_zero,
  c_zero,
  c_size,
  scratch,
}
