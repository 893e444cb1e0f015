import { f32, type Tensor, tensor } from "../tensor/index.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";
import { constantOnGrid } from "./grid-params.ts";

const { int } = attr;

/** Unsigned numbers of `bits` bits each, packed in bytes from the lowest bit on. */
function unpack(bytes: ArrayLike<number>, bits: number, index: number): number {
  const perByte = 8 / bits;
  return (bytes[Math.floor(index / perByte)] >> ((index % perByte) * bits)) & (2 ** bits - 1);
}

function known(parts: Decomposition, at: number, what: string): Tensor {
  const constant = parts.constant(parts.node.inputs[at]);
  if (!constant) throw new RangeError(`${what} must be known when the model is packed`);
  return constant;
}

/** Weights of n outputs as a k×n matrix of reals; scales and zero points stand for blocks of `block_size` along k. */
function weightsOf(parts: Decomposition): Tensor {
  const { K: k, N: n, bits, block_size: block } = parts.node.attrs as Record<string, number>;
  if (![2, 4, 8].includes(bits) || !(block >= 1) || !(k >= 1) || !(n >= 1))
    throw new RangeError(`${bits} bits in blocks of ${block} are not supported`);
  if (parts.node.inputs[4]) throw new RangeError("the input g_idx is not supported");
  const blocks = Math.ceil(k / block);
  const bytes = Math.ceil((block * bits) / 8);
  const [packed, scales] = [known(parts, 1, "the weights"), known(parts, 2, "the scales")];
  if (packed.data.length !== n * blocks * bytes || scales.data.length !== n * blocks)
    throw new RangeError(`weights [${packed.shape}] and scales [${scales.shape}] do not fit ${n} outputs of ${blocks} blocks`);
  const zeros = parts.node.inputs[3] ? known(parts, 3, "the zero points") : undefined;
  const row = Math.ceil((blocks * bits) / 8);
  if (zeros && zeros.data.length !== (zeros.dtype === "u8" ? n * row : n * blocks))
    throw new RangeError(`zero points [${zeros.shape}] do not fit ${n} outputs of ${blocks} blocks`);
  const zeroOf = (o: number, b: number): number => {
    if (!zeros) return 2 ** (bits - 1);
    return zeros.dtype === "u8" ? unpack(zeros.data.subarray(o * row, (o + 1) * row), bits, b) : zeros.data[o * blocks + b];
  };
  const data = new Float32Array(k * n);
  for (let o = 0; o < n; o++) {
    for (let b = 0; b < blocks; b++) {
      const at = (o * blocks + b) * bytes;
      const bits8 = packed.data.subarray(at, at + bytes);
      const [scale, zero] = [scales.data[o * blocks + b], zeroOf(o, b)];
      for (let i = 0; i < block && b * block + i < k; i++) data[(b * block + i) * n + o] = (unpack(bits8, bits, i) - zero) * scale;
    }
  }
  return f32(data, [k, n]);
}

/** a times a matrix whose weights of 2, 4 or 8 bits share a scale in blocks; the weights are expanded when the model is packed. */
export const MatMulNBits = defineFunction({
  domain: "com.microsoft",
  attrs: {
    K: attr.required(int()),
    N: attr.required(int()),
    bits: int(4),
    block_size: attr.required(int()),
    accuracy_level: int(0),
    weight_prepacked: int(0),
  },
  arity: [3, 6],
  tolerance: 1e-5,
  body(parts) {
    const bias = parts.node.inputs[5] ?? "";
    parts.add("MatMul", [parts.node.inputs[0], parts.value(weightsOf(parts)), bias], {}, parts.node.outputs);
  },
  macs: ({ attrs }, _inputs, output) => output.shape.reduce((a, b) => a * b, 1) * (attrs.K as number),
  cases: [
    {
      name: "4 bits, zero points",
      inputs: [
        wave([2, 20]),
        tensor(
          "u8",
          Array.from({ length: 3 * 2 * 8 }, (_, i) => (i * 37) % 256),
          [3, 2, 8],
        ),
        f32([0.1, 0.2, 0.05, 0.3, 0.1, 0.2]),
        tensor("u8", [0x78, 0x96, 0x88]),
      ],
      attrs: { K: 20, N: 3, block_size: 16 },
      constants: [1, 2, 3],
    },
    {
      name: "8 bits, a bias",
      inputs: [
        wave([2, 16]),
        tensor(
          "u8",
          Array.from({ length: 32 }, (_, i) => (i * 37) % 256),
          [2, 1, 16],
        ),
        f32([0.01, 0.02]),
        undefined,
        undefined,
        wave([2]),
      ],
      attrs: { K: 16, N: 2, bits: 8, block_size: 16 },
      constants: [1, 2, 5],
    },
  ],
});

/** a · dequantized b + bias, where a is quantized while the model runs. Constant weights whose grid has zero 0 make it an integer layer. */
export const DynamicQuantizeMatMul = defineFunction({
  domain: "com.microsoft",
  attrs: {},
  arity: [3, 5],
  tolerance: 1e-5,
  body(parts) {
    const { node } = parts;
    const [a, b, scale, zero, bias = ""] = node.inputs;
    const axis = parts.type(b).shape.length - 1;
    const data = parts.constant(b);
    const stored =
      data && (!zero || parts.constant(zero))
        ? constantOnGrid({ ...node, attrs: { axis, block_size: 0 } }, data, parts.constant(scale), zero ? parts.constant(zero) : undefined)
        : undefined;
    const weights = stored?.quant?.zero === 0 ? parts.value(stored) : parts.add("DequantizeLinear", [b, scale, zero ?? ""], { axis });
    parts.add("MatMul", [a, weights, bias], {}, node.outputs);
  },
  cases: [
    {
      name: "weights of an axis, a bias",
      inputs: [
        wave([3, 7]),
        tensor(
          "i8",
          Array.from({ length: 28 }, (_, i) => ((i * 37) % 255) - 127),
          [7, 4],
        ),
        f32([0.01, 0.02, 0.03, 0.01]),
        tensor("i8", [0, 0, 0, 0]),
        wave([4]),
      ],
      constants: [1, 2, 3, 4],
    },
  ],
});
