/** The attention operators of onnxruntime's transformer optimizer, as the products and Softmax that they stand for. */
import { f32, i64, tensor } from "../tensor/index.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";

const { float, int, ints } = attr;

const ATTENTION_ATTRS = { num_heads: attr.required(int()), unidirectional: int(0), scale: float(), mask_filter_value: float(-10000) };

/** Queries, keys and values as [batch, length, heads · size] each. */
interface Heads {
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

/** Attention over heads, written to the node's output; `biases` broadcast against [batch, heads, length, keys]. */
function attend(parts: Decomposition, { query, key, value }: Heads, biases: readonly string[]): void {
  const { num_heads: heads, unidirectional, scale, mask_filter_value } = parts.node.attrs as Record<string, number>;
  const [, length, width] = parts.type(query).shape;
  if (width % heads !== 0) throw new RangeError(`${width} channels do not divide into ${heads} heads`);
  const inputs = [query, key, value].map((x) => parts.add("Reshape", [x, parts.value(i64([0, 0, heads, -1]))]));
  const masks = unidirectional ? [...biases, causal(parts, length, parts.type(key).shape[1], mask_filter_value)] : biases;
  if (masks.length > 0) inputs.push(masks.length > 1 ? parts.add("Sum", masks) : masks[0]);
  const joined = parts.add("ScaledDotProductAttention", inputs, { scale: scale || 1 / Math.sqrt(width / heads) });
  parts.add("Reshape", [joined, parts.value(i64([0, 0, -1]))], {}, parts.node.outputs.slice(0, 1));
}

function causal(parts: Decomposition, length: number, keys: number, filter: number): string {
  const data = Array.from({ length: length * keys }, (_, i) => ((i % keys) - (keys - length) > Math.floor(i / keys) ? filter : 0));
  return parts.value(f32(data, [length, keys]));
}

/** A mask of ones and zeros, by key or by query and key, as what is added to scores; a mask of lengths is one number for each sequence. */
function maskBias(parts: Decomposition, mask: string, keys: number): string {
  const { shape } = parts.type(mask);
  const filter = parts.node.attrs.mask_filter_value as number;
  const number = (v: number): string => parts.value(f32([v], []));
  const real = parts.add("Cast", [mask], { to: 1 });
  if (shape.length === 1) {
    const lengths = parts.add("Reshape", [real, parts.value(i64([-1, 1, 1, 1]))]);
    const position = parts.value(f32(Array.from({ length: keys }, (_, i) => i + 1)));
    const over = parts.add("Clip", [parts.add("Sub", [position, lengths]), number(0), number(1)]);
    return parts.add("Mul", [over, number(filter)]);
  }
  if (shape.length !== 2 && shape.length !== 3) throw new RangeError(`a mask of shape [${shape}] is not supported`);
  const spread = shape.length === 2 ? [shape[0], 1, 1, shape[1]] : [shape[0], 1, shape[1], shape[2]];
  const hidden = parts.add("Mul", [parts.add("Sub", [number(1), real]), number(filter)]);
  return parts.add("Reshape", [hidden, parts.value(i64(spread))]);
}

/** Refuses what the node has at these inputs and outputs. */
function refuse({ node }: Decomposition, inputs: Readonly<Record<number, string>>): void {
  for (const [at, what] of Object.entries(inputs)) if (node.inputs[Number(at)]) throw new RangeError(`${what} is not supported`);
  if (node.outputs.length > 1) throw new RangeError("outputs of keys and values are not supported");
}

/** Queries, keys and values in one product; `sizes` of the three where they are not alike. */
function packedHeads(parts: Decomposition, product: string, sizes: readonly number[]): Heads {
  const width = parts.type(product).shape[2];
  const [q, k, v] = sizes.length === 3 ? sizes : [width / 3, width / 3, width / 3];
  const part = (from: number, size: number): string =>
    parts.add("Slice", [product, parts.value(i64([from])), parts.value(i64([from + size])), parts.value(i64([2]))]);
  return { query: part(0, q), key: part(q, k), value: part(q + k, v) };
}

/** Self-attention from one matrix of weights for queries, keys and values. */
export const Attention = defineFunction({
  domain: "com.microsoft",
  attrs: {
    ...ATTENTION_ATTRS,
    qkv_hidden_sizes: ints([]),
    do_rotary: int(0),
    past_present_share_buffer: int(0),
    rotary_embedding_dim: int(0),
  },
  arity: [2, 7],
  tolerance: 1e-5,
  body(parts) {
    refuse(parts, { 4: "the input past", 6: "the input past_sequence_length" });
    if (parts.node.attrs.do_rotary) throw new RangeError("rotary embedding is not supported");
    const [x, weights, bias = "", mask, , scores] = parts.node.inputs;
    const product = parts.add("MatMul", [x, weights, bias]);
    const biases = [...(mask ? [maskBias(parts, mask, parts.type(x).shape[1])] : []), ...(scores ? [scores] : [])];
    attend(parts, packedHeads(parts, product, parts.node.attrs.qkv_hidden_sizes as readonly number[]), biases);
  },
  cases: [
    {
      name: "a mask by key",
      inputs: [wave([2, 3, 4]), wave([4, 24], 2), wave([24], 3), tensor("i32", [1, 1, 0, 1, 1, 1], [2, 3])],
      attrs: { num_heads: 2 },
      constants: [1, 2],
    },
    {
      name: "causal, a mask of lengths",
      inputs: [wave([2, 3, 4]), wave([4, 24], 2), wave([24], 3), tensor("i32", [2, 3])],
      attrs: { num_heads: 2, unidirectional: 1 },
      constants: [1, 2],
    },
    {
      name: "a bias of scores",
      inputs: [wave([1, 3, 4]), wave([4, 24], 2), wave([24], 3), undefined, undefined, wave([1, 2, 3, 3], 4)],
      attrs: { num_heads: 2, scale: 0.5 },
      constants: [1, 2],
    },
  ],
});

/** Attention of queries, keys and values that are projected already. */
export const MultiHeadAttention = defineFunction({
  domain: "com.microsoft",
  attrs: ATTENTION_ATTRS,
  arity: [3, 8],
  tolerance: 1e-5,
  body(parts) {
    refuse(parts, { 6: "the input past_key", 7: "the input past_value" });
    const [query, key, value, bias, mask, scores] = parts.node.inputs;
    const shapes = [query, key, value].map((input) => parts.type(input).shape);
    if (shapes.some((shape) => shape.length !== 3)) throw new RangeError("packed or transposed queries, keys and values are not supported");
    const [q, k, v] = bias ? biased(parts, [query, key, value], bias) : [query, key, value];
    const biases = [...(mask ? [maskBias(parts, mask, shapes[1][1])] : []), ...(scores ? [scores] : [])];
    attend(parts, { query: q, key: k, value: v }, biases);
  },
  cases: [
    {
      name: "other keys, a bias, a mask",
      inputs: [
        wave([2, 3, 8]),
        wave([2, 5, 8], 2),
        wave([2, 5, 8], 3),
        wave([24], 4),
        tensor("i32", [1, 1, 1, 0, 1, 1, 1, 1, 1, 0], [2, 5]),
      ],
      attrs: { num_heads: 2 },
      constants: [3],
    },
  ],
});

/** Adds the three parts of one bias, in the order of the inputs. */
function biased(parts: Decomposition, inputs: readonly string[], bias: string): string[] {
  let from = 0;
  return inputs.map((input) => {
    const to = from + parts.type(input).shape[2];
    const part = parts.add("Slice", [bias, parts.value(i64([from])), parts.value(i64([to])), parts.value(i64([0]))]);
    from = to;
    return parts.add("Add", [input, part]);
  });
}

/** Attention whose input and weights are integers. */
export const QAttention = defineFunction({
  domain: "com.microsoft",
  attrs: { ...ATTENTION_ATTRS, do_rotary: int(0), past_present_share_buffer: int(0) },
  arity: [5, 9],
  tolerance: 1e-5,
  body(parts) {
    refuse(parts, { 8: "the input past" });
    if (parts.node.attrs.do_rotary) throw new RangeError("rotary embedding is not supported");
    const [x, weights, bias, xScale, wScale, mask, xZero = "", wZero = ""] = parts.node.inputs;
    const product = parts.add("MatMul", [
      parts.add("DequantizeLinear", [x, xScale, xZero]),
      parts.add("DequantizeLinear", [weights, wScale, wZero], { axis: 1 }),
      bias,
    ]);
    attend(parts, packedHeads(parts, product, []), mask ? [maskBias(parts, mask, parts.type(x).shape[1])] : []);
  },
  cases: [
    {
      name: "u8 by i8",
      inputs: [
        tensor(
          "u8",
          Array.from({ length: 12 }, (_, i) => (i * 37) % 256),
          [1, 3, 4],
        ),
        tensor(
          "i8",
          Array.from({ length: 96 }, (_, i) => ((i * 37) % 255) - 127),
          [4, 24],
        ),
        wave([24], 3),
        f32([0.01], []),
        f32([0.004], []),
        undefined,
        tensor("u8", [120], []),
        tensor("i8", [0], []),
      ],
      attrs: { num_heads: 2 },
      constants: [1, 2, 3, 4, 6, 7],
    },
  ],
});
