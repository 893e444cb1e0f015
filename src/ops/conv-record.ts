/** Records of 2-D convolutions, NHWC. Those of sparse layers are of this form too: a matrix product is a pointwise convolution of pixels in a row. */
import { ConvField } from "../../assembly/shared/plan.ts";
import { SparseField } from "../../assembly/shared/sparse.ts";
import type { LinearWords, Lowering, SparseWords, Word } from "./lowering.ts";
import type { Window } from "./window.ts";

/** Where a convolution's windows lie, and its channels. */
export interface ConvGeometry {
  readonly window: Window;
  readonly groups: number;
  readonly outputs: number;
}

/** A product of m rows of k with k × n weights. */
export function productGeometry({ m, n, k }: { readonly m: number; readonly n: number; readonly k: number }): ConvGeometry {
  const line = { in: [1, m], out: [1, m], kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] };
  return { window: { batch: 1, channels: k, ...line }, groups: 1, outputs: n };
}

export function convFields(ctx: Lowering, words: LinearWords, { window, groups, outputs }: ConvGeometry): Record<ConvField, Word> {
  return {
    [ConvField.batch]: window.batch,
    [ConvField.in_h]: window.in[0],
    [ConvField.in_w]: window.in[1],
    [ConvField.in_c]: window.channels,
    [ConvField.out_h]: window.out[0],
    [ConvField.out_w]: window.out[1],
    [ConvField.out_c]: outputs,
    [ConvField.kernel_h]: window.kernel[0],
    [ConvField.kernel_w]: window.kernel[1],
    [ConvField.stride_h]: window.stride[0],
    [ConvField.stride_w]: window.stride[1],
    [ConvField.dilation_h]: window.dilation[0],
    [ConvField.dilation_w]: window.dilation[1],
    [ConvField.pad_top]: window.pad[0],
    [ConvField.pad_left]: window.pad[1],
    [ConvField.groups]: groups,
    [ConvField.a]: words.a,
    [ConvField.w]: words.w,
    [ConvField.bias]: words.bias,
    [ConvField.scale]: words.scale,
    [ConvField.c]: ctx.place(ctx.node.outputs[0]),
    [ConvField.lo]: words.lo,
    [ConvField.hi]: words.hi,
    [ConvField.a_zero]: words.a_zero,
    [ConvField.c_zero]: words.c_zero,
    [ConvField.c_size]: words.c_size,
    [ConvField.dynamic]: words.dynamic,
    [ConvField.scratch]: words.scratch,
  };
}

export function emitSparse(ctx: Lowering, words: LinearWords, { op, index, count }: SparseWords, geometry: ConvGeometry): void {
  ctx.emit(op, { ...convFields(ctx, words, geometry), [SparseField.index]: index, [SparseField.count]: count });
}
