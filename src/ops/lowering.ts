import type { AttentionField } from "../../assembly/shared/attention.ts";
import type { CopyAtField, CountField, JumpBelowField, JumpField, JumpIfField } from "../../assembly/shared/control.ts";
import {
  type CastField,
  Element,
  type ElementBinaryField,
  type ElementUnaryField,
  type WhereField,
} from "../../assembly/shared/elementwise.ts";
import type {
  ArgField,
  CompressField,
  CumulativeSumField,
  ElementsField,
  GatherField,
  NonMaxSuppressionField,
  NonZeroField,
  OneHotField,
  PointsField,
  ReverseSequenceField,
  TopKField,
  UniqueField,
} from "../../assembly/shared/indexing.ts";
import type {
  BinaryField,
  BlockGemmField,
  ConvField,
  CopyField,
  FillField,
  GemmField,
  LayerNormField,
  Op,
  PackField,
  PoolField,
  QuantizeDynamicField,
  QuantizeField,
  ReduceField,
  SoftmaxField,
  TableField,
  UnaryField,
} from "../../assembly/shared/plan.ts";
import type { GridSampleField, PoolIndicesField, ResampleField, RoiAlignField, RoiPoolField } from "../../assembly/shared/sampling.ts";
import type { SparseField } from "../../assembly/shared/sparse.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { DType, Tensor, TensorType } from "../tensor/index.ts";
import type { Window } from "./window.ts";

/** A place in memory that the planner fixes later: a buffer and a byte offset into it. */
export interface Place {
  readonly buffer: number;
  readonly offset: number;
}

/** A field of a record: an i32 (use `f32Bits` for floats) or a place. */
export type Word = number | Place;

/** The fields of each record, so that a record that lacks one does not compile. */
export interface FieldsOf {
  [Op.copy]: CopyField;
  [Op.fill]: FillField;
  [Op.f32_unary]: UnaryField;
  [Op.f32_binary]: BinaryField;
  [Op.f32_pack]: PackField;
  [Op.f32_gemm]: GemmField;
  [Op.f32_conv]: ConvField;
  [Op.f32_dwconv]: ConvField;
  [Op.f32_pool]: PoolField;
  [Op.f32_reduce]: ReduceField;
  [Op.f32_softmax]: SoftmaxField;
  [Op.f32_layernorm]: LayerNormField;
  [Op.f32_attention]: AttentionField;
  [Op.f32_rmsnorm]: LayerNormField;
  [Op.qs8_quantize]: QuantizeField;
  [Op.qs8_dequantize]: QuantizeField;
  [Op.qs8_quantize_dynamic]: QuantizeDynamicField;
  [Op.qs8_gemm]: GemmField;
  [Op.qs8_qbw_gemm]: BlockGemmField;
  [Op.qs8_conv]: ConvField;
  [Op.qs8_winograd]: ConvField;
  [Op.qs8_dwconv]: ConvField;
  [Op.qs8_sparse_bsr]: ConvField | SparseField;
  [Op.qs8_sparse_csr]: ConvField | SparseField;
  [Op.f32_sparse_bsr]: ConvField | SparseField;
  [Op.f32_sparse_csr]: ConvField | SparseField;
  [Op.qs8_pool]: PoolField;
  [Op.qs8_reduce_mean]: ReduceField;
  [Op.qs8_binary]: BinaryField;
  [Op.qs8_table]: TableField;
  [Op.resample]: ResampleField;
  [Op.grid_sample]: GridSampleField;
  [Op.roi_align]: RoiAlignField;
  [Op.pool_indices]: PoolIndicesField;
  [Op.roi_pool]: RoiPoolField;
  [Op.jump]: JumpField;
  [Op.jump_if]: JumpIfField;
  [Op.jump_below]: JumpBelowField;
  [Op.count]: CountField;
  [Op.copy_at]: CopyAtField;
  [Op.cast]: CastField;
  [Op.element_binary]: ElementBinaryField;
  [Op.element_unary]: ElementUnaryField;
  [Op.where]: WhereField;
  [Op.gather]: GatherField;
  [Op.gather_elements]: ElementsField;
  [Op.gather_nd]: PointsField;
  [Op.scatter_elements]: ElementsField;
  [Op.scatter_nd]: PointsField;
  [Op.arg]: ArgField;
  [Op.top_k]: TopKField;
  [Op.cumulative_sum]: CumulativeSumField;
  [Op.one_hot]: OneHotField;
  [Op.non_zero]: NonZeroField;
  [Op.compress]: CompressField;
  [Op.unique]: UniqueField;
  [Op.non_max_suppression]: NonMaxSuppressionField;
  [Op.reverse_sequence]: ReverseSequenceField;
}

export type RecordFields<K extends keyof FieldsOf> = Record<FieldsOf[K], Word>;

/** A layer's constant weights as a matrix: the weight of output o (over all groups) at reduction step r is `tensor.data[index(o, r)]`. */
export interface WeightMatrix {
  readonly tensor: Tensor;
  /** Outputs over all groups. */
  readonly n: number;
  /** Reduction length of one output. */
  readonly k: number;
  /** Rows of the product: vectors, or output pixels of the whole batch. */
  readonly m: number;
  readonly groups: number;
  /** Geometry of a convolution. */
  readonly window?: Window;
  index(o: number, r: number): number;
}

/** Fields that Gemm and Conv records have in common. */
export interface LinearWords {
  /** Whether the qs8 or the f32 kernel is meant. */
  readonly integer: boolean;
  readonly a: Place;
  readonly w: Place;
  readonly bias: Word;
  readonly scale: Word;
  readonly lo: Word;
  readonly hi: Word;
  readonly a_zero: number;
  readonly c_zero: number;
  readonly c_size: number;
  readonly dynamic: Word;
  readonly scratch: Word;
  /** Weights that have a scale for each block of k. */
  readonly blocks?: BlockWords;
  /** Weights of which only those are stored that are not zero. */
  readonly sparse?: SparseWords;
}

/** What `qs8_qbw_gemm` needs beside the rest. */
export interface BlockWords {
  readonly size: number;
  readonly bits: number;
  readonly a_size: number;
  readonly zeros: Word;
  readonly factor: number;
}

/** Kernels of layers whose weights are mostly zero. */
export type SparseOp = Op.qs8_sparse_bsr | Op.qs8_sparse_csr | Op.f32_sparse_bsr | Op.f32_sparse_csr;

/** What a sparse kernel needs beside the rest. */
export interface SparseWords {
  readonly op: SparseOp;
  readonly index: Place;
  readonly count: Place;
}

/** Which kernel reads the weights: that decides their layout and the scratch it needs. */
export type LinearKernel = "gemm" | "conv" | "winograd" | "dwconv";

/** A point among a plan's records that jumps go to. */
export interface Label {
  readonly label: number;
}

/** What an operator's `lower` writes to. Buffers of inputs and outputs exist already; all else is asked for. */
export interface Lowering {
  readonly node: Node;
  type(value: string): TensorType;
  /** Data of a constant input; i8 with a grid where the constant is stored on one, though its type may be f32. */
  constant(value: string): Tensor | undefined;
  /** Where a value lies; a constant is put into the image, dense, as it is (i64 narrowed). */
  place(value: string): Place;
  /** Lets `output` share the memory of `input`: same bytes, another shape. */
  alias(input: string, output: string): void;
  /** Says where a record of this node writes, as an i32, how much of an output there is whose type has a bound. */
  measured(output: string, length: Place): void;
  /** Memory that only the records of this node use. */
  scratch(bytes: number): Place;
  /** Puts data into the image; the same `data` object is stored once. */
  image(data: Int8Array | Uint8Array | Int32Array | Float32Array): Place;
  /** Packs the weights of a linear layer and writes all that goes before its record; `bias` has one f32 an output. */
  linear(kernel: LinearKernel, input: string, matrix: WeightMatrix, bias: Tensor | undefined): LinearWords;
  emit<K extends keyof FieldsOf>(op: K, fields: RecordFields<K>): void;
  /** The records of a subgraph, whose inputs are values of this node's graph or lie at places; returns where its outputs lie. */
  body(graph: Graph, inputs: readonly (string | Place)[]): readonly Place[];
  label(): Label;
  /** Puts a label before the next record. */
  mark(label: Label): void;
  jump(to: Label): void;
  /** Jumps where the bool at `condition` is as `value` says. */
  jumpIf(to: Label, condition: Place, value: boolean): void;
  /** Jumps where the i32 at `a` is less than the i32 at `b`. */
  jumpBelow(to: Label, a: Place, b: Place): void;
  /** Whatever `records` writes may run again and again, `most` times if that is known, else 1: buffers that cross its borders stay alive all through it. */
  repeated(most: number, records: () => void): void;
}

/** Types of elements as records name them. */
export const ELEMENTS: { readonly [K in DType]: Element } = {
  f32: Element.f32,
  i32: Element.i32,
  i64: Element.i32,
  i8: Element.i8,
  u8: Element.u8,
  bool: Element.bool,
};

const view = new DataView(new ArrayBuffer(4));

/** The bits of an f32 as an i32 word. */
export function f32Bits(value: number): number {
  view.setFloat32(0, value, true);
  return view.getInt32(0, true);
}
