import { freshNames } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { dequantizeTensor, f32, type Quant, type Tensor, tensor } from "../tensor/index.ts";
import { hasActivation } from "./match.ts";

/** Blocks that onnxruntime takes: powers of two from this on. */
const SMALLEST_BLOCK = 16;

/** `accuracy_level` of MatMulNBits: what its input may be rounded to. */
const LEVELS = { f32: 0, int8: 4 };

/**
 * Weights in blocks as other engines read them: products become com.microsoft's MatMulNBits, whose input is f32 and may be rounded to int8 where it is here.
 * Where weights in blocks do not fit it, they become f32.
 */
export function writeBlocks(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const constant = (base: string, value: Tensor): string => {
    const name = fresh(base);
    constants.set(name, value);
    return name;
  };
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [input, weights = "", bias = ""] = node.inputs;
    if (node.op === "DequantizeLinear" && graph.constants.get(input)?.quant?.block) {
      constants.set(node.outputs[0], dequantizeTensor(graph.constants.get(input)!));
      return [];
    }
    const source = producers.get(weights)?.op === "DequantizeLinear" ? producers.get(weights)!.inputs[0] : weights;
    const stored = graph.constants.get(source);
    if (!stored?.quant?.block) return [node];
    const integer = source === weights;
    const grid = graph.types.get(input)!.quant;
    const packed = node.op === "MatMul" ? packed2D(stored, stored.quant) : undefined;
    if (!packed && !integer) return [node];

    const [real, product, output] = [fresh(`${input}.real`), fresh(`${node.outputs[0]}.product`), node.outputs[0]];
    const written: Node[] = grid ? [makeNode({ op: "DequantizeLinear", name: real, inputs: [input], outputs: [real] })] : [];
    const a = grid ? real : input;
    const last = node.quant ? fresh(`${output}.real`) : output;
    if (!packed)
      written.push({
        ...node,
        quant: undefined,
        inputs: trimmed([a, constant(`${weights}.real`, dequantizeTensor(stored)), bias]),
        outputs: [last],
      });
    else {
      const { data, scales, ...attrs } = packed;
      const operands = [a, constant(`${weights}.bits`, data), constant(`${weights}.scales`, scales), "", "", bias];
      const clamped = hasActivation(node);
      const level = { accuracy_level: integer && !grid ? LEVELS.int8 : LEVELS.f32 };
      const name = fresh(`${output}/MatMulNBits`);
      written.push(
        makeNode({
          op: "MatMulNBits",
          name,
          inputs: trimmed(operands),
          outputs: [clamped ? product : last],
          attrs: { ...attrs, ...level },
        }),
      );
      const bound = (v: unknown): string => (Number.isFinite(v) ? constant(`${output}.bound`, f32([v as number], [])) : "");
      if (clamped)
        written.push(
          makeNode({ op: "Clip", name: product, inputs: [product, bound(node.attrs.min), bound(node.attrs.max)], outputs: [last] }),
        );
    }
    if (node.quant) written.push(makeNode({ op: "QuantizeLinear", name: last, inputs: [last], outputs: [output], quant: node.quant }));
    return written;
  });
  const types = new Map(graph.inputs.map((name) => [name, graph.types.get(name)!]));
  return inferTypes({ ...graph, nodes, constants, types });
}

function trimmed(inputs: readonly string[]): string[] {
  return inputs.slice(0, inputs.findLastIndex((input) => input !== "") + 1);
}

interface PackedBits {
  readonly K: number;
  readonly N: number;
  readonly bits: number;
  readonly block_size: number;
  /** [N][blocks][bytes], the first number in the lowest bits, 2^(bits − 1) more than the integer. */
  readonly data: Tensor;
  readonly scales: Tensor;
}

/** A k×n matrix as MatMulNBits has it: 4 bits where its integers fit; undefined where the blocks do not. */
function packed2D({ shape, data }: Tensor, { scale, block }: Quant): PackedBits | undefined {
  const size = block!.size;
  if (shape.length !== 2 || block!.axis !== 0 || size < SMALLEST_BLOCK || (size & (size - 1)) !== 0) return undefined;
  const [K, N] = shape;
  const bits = data.every((q) => q >= -8 && q <= 7) ? 4 : 8;
  const blocks = Math.ceil(K / size);
  const bytes = (size * bits) / 8;
  const zero = 2 ** (bits - 1);
  const packed = new Uint8Array(N * blocks * bytes);
  for (let o = 0; o < N; o++) {
    for (let r = 0; r < blocks * size; r++) {
      const q = zero + (r < K ? data[r * N + o] : 0);
      packed[(o * blocks * size + r) >> (bits === 4 ? 1 : 0)] |= bits === 4 ? q << (4 * (r & 1)) : q;
    }
  }
  const scales = Float32Array.from({ length: N * blocks }, (_, i) => scale[(i % blocks) * N + Math.floor(i / blocks)]);
  return { K, N, bits, block_size: size, data: tensor("u8", packed, [N, blocks, bytes]), scales: f32(scales) };
}
