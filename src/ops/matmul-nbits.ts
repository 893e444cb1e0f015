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

/** Packed weights of n outputs as they are read: element r of an output is (integer − zero) · scale, by the block that it lies in. */
interface Packed {
  readonly k: number;
  readonly n: number;
  readonly block: number;
  readonly blocks: number;
  readonly scales: ArrayLike<number>;
  integer(output: number, r: number): number;
  zero(output: number, block: number): number;
}

/** Throws RangeError where sizes contradict each other. */
function packedWeights(parts: Decomposition): Packed {
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
  return {
    k,
    n,
    block,
    blocks,
    scales: scales.data,
    integer: (o, r) => unpack(packed.data, bits, (o * blocks + Math.floor(r / block)) * bytes * (8 / bits) + (r % block)),
    zero: (o, b) => {
      if (!zeros) return 2 ** (bits - 1);
      return zeros.dtype === "u8" ? unpack(zeros.data, bits, o * row * (8 / bits) + b) : zeros.data[o * blocks + b];
    },
  };
}

/** A k×n matrix on a grid in blocks; undefined where integers less their zero points do not fit i8. A scale below zero turns its block over. */
function gridOf({ k, n, block, blocks, scales, integer, zero }: Packed): Tensor | undefined {
  const data = new Int8Array(k * n);
  const scale = new Float32Array(blocks * n);
  for (let o = 0; o < n; o++) {
    for (let b = 0; b < blocks; b++) {
      const [step, sign] = [Math.abs(scales[o * blocks + b]), Math.sign(scales[o * blocks + b])];
      if (!Number.isFinite(step)) return undefined;
      scale[b * n + o] = step || 1;
      for (let r = b * block; r < Math.min(k, (b + 1) * block); r++) {
        const q = sign * (integer(o, r) - zero(o, b));
        data[r * n + o] = q;
        if (data[r * n + o] !== q) return undefined;
      }
    }
  }
  return { dtype: "i8", shape: [k, n], data, quant: { scale, zero: 0, block: { axis: 0, size: block } } };
}

function realsOf({ k, n, block, blocks, scales, integer, zero }: Packed): Tensor {
  const data = new Float32Array(k * n);
  for (let o = 0; o < n; o++) {
    for (let r = 0; r < k; r++) {
      const b = Math.floor(r / block);
      data[r * n + o] = (integer(o, r) - zero(o, b)) * scales[o * blocks + b];
    }
  }
  return f32(data, [k, n]);
}

/** `accuracy_level` by which the input may be put on an int8 grid. */
const INT8_INPUT = 4;

/**
 * a times a matrix whose weights of 2, 4 or 8 bits share a scale in blocks. At `accuracy_level` 4 it computes on the integers, which stay as small in memory
 * as they are here, with each row of a put on an int8 grid; otherwise in f32, with weights that are expanded as they are unpacked.
 */
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
    const packed = packedWeights(parts);
    const stored = gridOf(packed);
    const integer = stored && parts.node.attrs.accuracy_level === INT8_INPUT && packed.block % 8 === 0;
    const weights = parts.value(stored ?? realsOf(packed));
    const matrix = stored && !integer ? parts.add("DequantizeLinear", [weights]) : weights;
    parts.add("MatMul", [parts.node.inputs[0], matrix, bias], {}, parts.node.outputs);
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
    ...[
      [4, "4 bits, int8 inputs", 0.1],
      [8, "8 bits, int8 inputs", 0.01],
      [4, "4 bits, int8 inputs, scales below zero", -0.1],
    ].map(([bits, name, scale]) => ({
      name: name as string,
      inputs: [
        wave([2, 20]),
        tensor(
          "u8",
          Array.from({ length: 6 * 2 * (bits as number) }, (_, i) => (i * 37) % 256),
          [3, 2, 2 * (bits as number)],
        ),
        f32([1, 2, 0.5, 3, 1, 2].map((s) => s * (scale as number))),
      ],
      attrs: { K: 20, N: 3, block_size: 16, bits: bits as number, accuracy_level: 4 },
      constants: [1, 2],
    })),
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
