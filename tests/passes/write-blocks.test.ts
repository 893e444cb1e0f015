import { describe, expect, it } from "vitest";
import { exportOnnx } from "../../src/export.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { readOnnx } from "../../src/onnx/index.ts";
import { makeNode } from "../../src/ops/node.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { quantizeWeights, type Tensor } from "../../src/tensor/index.ts";
import { random, randomInputs } from "../graph/build.ts";

const GRID = { scale: Float32Array.of(0.02), zero: 3 };
const step = (op: string, inputs: string, output: string, more: Partial<Pick<Node, "attrs" | "quant">> = {}): Node =>
  makeNode({ op, name: output, inputs: inputs.split(" "), outputs: [output], ...more });

function netOf(shape: readonly number[], w: Tensor, ...nodes: readonly Node[]): Graph {
  const constants = new Map([
    ["w", w],
    ["b", random([5], 3)],
  ]);
  return inferTypes({ name: "net", inputs: ["x"], outputs: ["y"], nodes, constants, types: new Map([["x", { dtype: "f32", shape }]]) });
}

const matrix = (levels: number, size = 16): Tensor => quantizeWeights(random([40, 5], 1), { axis: 0, size }, levels);
const pixels = quantizeWeights(random([5, 24, 1, 1], 1), { axis: 1, size: 8 }, 15);

/** The operators of what was written, and those of what it reads back as; both give what the graph gives, within `tolerance`. */
function roundTrip(graph: Graph, tolerance: number): { written: Graph; again: Graph } {
  const written = readOnnx(exportOnnx(graph)).graph;
  const again = optimize(written);
  const inputs = randomInputs(graph, 4);
  const [wanted] = Object.values(evaluate(graph, inputs));
  for (const other of [written, again])
    evaluate(other, inputs).y.data.forEach((v, i) => {
      expect(Math.abs(v - wanted.data[i]), `y[${i}]`).toBeLessThan(tolerance);
    });
  return { written, again };
}

const operators = ({ nodes }: Graph): string => nodes.map(({ op }) => op).join(" ");

describe("layers with weights in blocks", () => {
  it.each([4, 8])("are written as MatMulNBits of %i bits, and read back as themselves", (bits) => {
    const w = matrix(2 ** bits - 1);
    const graph = netOf([3, 40], w, step("MatMul", "x w b", "y", { attrs: { max: 1 } }));
    const { written, again } = roundTrip(graph, 1e-6);
    expect(operators(written)).toBe("MatMulNBits Clip");
    expect(written.nodes[0].attrs).toMatchObject({ bits, block_size: 16, K: 40, N: 5, accuracy_level: 4 });
    const weights = [...again.constants.values()].find(({ quant }) => quant);
    expect([weights?.data, weights?.quant]).toEqual([w.data, w.quant]);
    expect(operators(again)).toBe("MatMul");
  });

  it("that compute in f32 say so", () => {
    const graph = netOf([3, 40], matrix(15), step("DequantizeLinear", "w", "v"), step("MatMul", "x v b", "y"));
    const { written, again } = roundTrip(graph, 1e-5);
    expect(operators(written)).toBe("MatMulNBits");
    expect(written.nodes[0].attrs.accuracy_level).toBe(0);
    expect(operators(again)).toBe("DequantizeLinear MatMul");
  });

  it("between grids stand between their pairs", () => {
    const graph = netOf(
      [3, 40],
      matrix(15),
      step("QuantizeLinear", "x", "q", { quant: GRID }),
      step("MatMul", "q w b", "p", { quant: { ...GRID, zero: 0 } }),
      step("DequantizeLinear", "p", "y"),
    );
    expect(operators(roundTrip(graph, 0.0201).written)).toBe("QuantizeLinear DequantizeLinear MatMulNBits QuantizeLinear DequantizeLinear");
  });

  it("that MatMulNBits does not take become f32", () => {
    const odd = netOf([3, 40], matrix(15, 24), step("MatMul", "x w", "y"));
    expect(printGraph(roundTrip(odd, 0.05).written)).toContain("= MatMul(");
    const conv = netOf([1, 3, 2, 24], pixels, step("Conv", "x w b", "y", { attrs: { layout: "NHWC" } }));
    expect(operators(roundTrip(conv, 0.05).written)).toMatch(/^Transpose Conv Transpose$/);
  });
});
