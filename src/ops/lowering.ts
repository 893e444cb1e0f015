import type {
  BinaryField,
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
import type { Node } from "../graph/graph.ts";
import type { Tensor, TensorType } from "../tensor/index.ts";

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
  [Op.qs8_quantize]: QuantizeField;
  [Op.qs8_dequantize]: QuantizeField;
  [Op.qs8_quantize_dynamic]: QuantizeDynamicField;
  [Op.qs8_gemm]: GemmField;
  [Op.qs8_conv]: ConvField;
  [Op.qs8_dwconv]: ConvField;
  [Op.qs8_pool]: PoolField;
  [Op.qs8_reduce_mean]: ReduceField;
  [Op.qs8_binary]: BinaryField;
  [Op.qs8_table]: TableField;
}

export type RecordFields<K extends keyof FieldsOf> = Record<FieldsOf[K], Word>;

/** Weights on a grid that load expands to f32: element i of the packed data is multiplied by scale[⌊i / block⌋ · lanes + i mod lanes]. */
export interface ExpandToF32 {
  readonly scale: Float32Array;
  readonly lanes: number;
  readonly block: number;
}

/** What an operator's `lower` writes to. Buffers of inputs and outputs exist already; all else is asked for. */
export interface Lowering {
  readonly node: Node;
  type(value: string): TensorType;
  /** Data of a constant input. */
  constant(value: string): Tensor | undefined;
  /** Where a value lies; a constant is put into the image, dense, as it is (i64 narrowed). */
  place(value: string): Place;
  /** Lets `output` share the memory of `input`: same bytes, another shape. */
  alias(input: string, output: string): void;
  /** Memory that only the records of this node use. */
  scratch(bytes: number): Place;
  /** Puts packed weights into the image; the same `data` object is stored once. */
  weights(data: Int8Array | Uint8Array | Int32Array | Float32Array, expand?: ExpandToF32): Place;
  emit<K extends keyof FieldsOf>(op: K, fields: RecordFields<K>): void;
}

const view = new DataView(new ArrayBuffer(4));

/** The bits of an f32 as an i32 word. */
export function f32Bits(value: number): number {
  view.setFloat32(0, value, true);
  return view.getInt32(0, true);
}
