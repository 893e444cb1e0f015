import { freshNames, prune } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { elementCount, f32, i64, normalizeAxis, type Tensor } from "../tensor/index.ts";
import { cancelTransposes } from "./layout.ts";
import { hasActivation } from "./match.ts";
import { type Activations, withoutGrids } from "./without-grids.ts";
import { writeBlocks } from "./write-blocks.ts";

/**
 * A graph that was optimized, and quantized or not, as other engines read it: channels first, grids as pairs of QuantizeLinear and
 * DequantizeLinear, and without what passes have fused that ONNX has no operator for. It computes the same; integer layers within one step of their
 * grids.
 */
export function portable(graph: Graph, activations?: Activations): Graph {
  const channelsFirst = cancelTransposes(inferTypes(turned(graph)));
  return inferTypes(prune(unfused(withoutGrids(writeBlocks(channelsFirst), activations))));
}

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

/** Transposes around every operator that reads channels last. */
function turned(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.attrs.layout !== "NHWC") return [node];
    const [input, ...others] = node.inputs;
    const [before, after] = [fresh(`${input}.nchw`), fresh(`${node.outputs[0]}.nchw`)];
    return [
      makeNode({ op: "Transpose", name: before, inputs: [input], outputs: [before], attrs: { perm: TO_NCHW } }),
      { ...node, inputs: [before, ...others], outputs: [after], attrs: { ...node.attrs, layout: "NCHW" } },
      makeNode({ op: "Transpose", name: after, inputs: [after], outputs: node.outputs, attrs: { perm: TO_NHWC } }),
    ];
  });
  return { ...graph, nodes };
}

/** Activations, biases of MatMul, Gelu, and Softmax over several axes as operators of their own. */
function unfused(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const constant = (base: string, value: Tensor): string => {
    const name = fresh(base);
    constants.set(name, value);
    return name;
  };
  const number = (base: string, v: number): string => constant(base, f32([v], []));

  const apart = (node: Node): Node[] => {
    const [output] = node.outputs;
    const step = (op: string, inputs: string[], attrs: Node["attrs"] = {}, outputs?: readonly string[]): Node => {
      const name = fresh(`${output}/${op}`);
      return makeNode({ op, name, inputs, outputs: outputs ?? [name], attrs });
    };
    if (hasActivation(node)) {
      const { min, max } = node.attrs as Record<string, number>;
      const inner = fresh(`${output}.linear`);
      const bare = { ...node, outputs: [inner], attrs: { ...node.attrs, min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY } };
      const relu = min === 0 && max === Number.POSITIVE_INFINITY;
      const bounds = [min, max].map((bound) => (Number.isFinite(bound) ? number(`${output}.bound`, bound) : ""));
      return [...apart(bare), relu ? step("Relu", [inner], {}, [output]) : step("Clip", [inner, ...bounds], {}, [output])];
    }
    const [a, b, c] = node.inputs;
    if (node.op === "MatMul" && c) {
      const matrices = [a, b].every((input) => graph.types.get(input)?.shape.length === 2);
      if (matrices) return [step("Gemm", [a, b, c], {}, [output])];
      const product = step("MatMul", [a, b]);
      return [product, step("Add", [product.outputs[0], c], {}, [output])];
    }
    if (node.attrs.coerce) {
      const { shape } = graph.types.get(a)!;
      const axis = normalizeAxis(node.attrs.axis as number, shape.length);
      const rows = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
      const flat = step("Reshape", [a, constant(`${output}.rows`, i64(rows))]);
      const softmax = step(node.op, flat.outputs.slice(), { axis: 1 });
      return [flat, softmax, step("Reshape", [softmax.outputs[0], constant(`${output}.shape`, i64(shape))], {}, [output])];
    }
    if (node.op === "Gelu" && node.attrs.approximate === "none") {
      const scaled = step("Mul", [a, number(`${output}.factor`, Math.SQRT1_2)]);
      const erf = step("Erf", scaled.outputs.slice());
      const sum = step("Add", [erf.outputs[0], number(`${output}.one`, 1)]);
      const product = step("Mul", [a, sum.outputs[0]]);
      return [scaled, erf, sum, product, step("Mul", [product.outputs[0], number(`${output}.half`, 0.5)], {}, [output])];
    }
    return [node];
  };
  return { ...graph, nodes: graph.nodes.flatMap(apart), constants };
}
