/** Records that read images between their elements: see `plan.ts` for what a record is. Append only, never renumber. */

/**
 * Along one axis of a viewed as [outer, n, inner]: `c[o, j, i] = Σₜ weight[j, t] · a[o, index[j, t], i]`, t < taps, from +0; an index of −1
 * reads `outside`. Tables are made when the model is packed: any resizing whose scales are known is one such record an axis.
 */
export const enum ResampleField {
  outer = 2,
  n,
  inner,
  count,
  taps,
  a,
  index,
  weight,
  c,
  outside,
}

/** How a value is read between elements. */
export const enum Sampling {
  nearest = 0,
  linear = 1,
  cubic = 2,
}

/** What lies outside an image. */
export const enum Outside {
  zeros = 0,
  border = 1,
  reflection = 2,
}

/**
 * Reads `a`, of `channels` images of [in_d, in_h, in_w], at the `points` places that `grid` gives each batch: `axes` numbers from −1 to 1 a
 * point, the innermost axis first. Strides of a and c are elements: between images of a batch, and between neighbours along in_w.
 */
export const enum GridSampleField {
  batch = 2,
  channels,
  axes,
  in_d,
  in_h,
  in_w,
  points,
  a,
  a_channel,
  a_pixel,
  grid,
  c,
  c_channel,
  c_pixel,
  mode,
  outside,
  align_corners,
}

/** Regions of a: for each of `rois` {x1, y1, x2, y2} and its image in the i32 `batch_indices`, out_h × out_w means or maxima. Strides as in GridSampleField. */
export const enum RoiAlignField {
  batch = 2,
  channels,
  in_h,
  in_w,
  out_h,
  out_w,
  count,
  a,
  a_channel,
  a_pixel,
  rois,
  batch_indices,
  c,
  c_channel,
  c_pixel,
  largest,
  /** Samples along each axis of a cell; 0 takes ⌈cell⌉. */
  ratio,
  scale,
  /** Taken from the corners after scaling: 0.5 where they are those of pixels, or 0. */
  offset,
}

/** Max pooling over the last axes of a viewed as [planes, d, h, w]; `indices` get the place of each maximum in all of a, within its plane by rows or by columns. */
export const enum PoolIndicesField {
  planes = 2,
  in_d,
  in_h,
  in_w,
  out_d,
  out_h,
  out_w,
  kernel_d,
  kernel_h,
  kernel_w,
  stride_d,
  stride_h,
  stride_w,
  dilation_d,
  dilation_h,
  dilation_w,
  pad_d,
  pad_h,
  pad_w,
  by_column,
  a,
  c,
  indices,
}

/** Regions of a, images of [in_h, in_w]: for each of `rois` {image, x1, y1, x2, y2} the largest elements of out_h × out_w cells, all f32 and dense. */
export const enum RoiPoolField {
  batch = 2,
  channels,
  in_h,
  in_w,
  out_h,
  out_w,
  count,
  a,
  rois,
  c,
  scale,
}
