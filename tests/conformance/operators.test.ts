import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { integerNames, quantizeStatic } from "../../src/compress/quantize.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { OpDef } from "../../src/ops/define.ts";
import { makeNode } from "../../src/ops/node.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, gridOfRange, type Quant, type Tensor } from "../../src/tensor/index.ts";
import { DEFS, difference, type Feeds, feeds, graphOf, runWasm, TAKEN_APART } from "./case-graph.ts";

/** Those that this engine runs: `tests/runtimes/node` has newer ones run the relaxed build. */
const builds = ["scalar", "simd", "relaxed"]
  .map((name) => [name, readFileSync(new URL(`../../dist/${name}.wasm`, import.meta.url))] as const)
  .filter(([, wasm]) => WebAssembly.validate(wasm));

function expectClose(actual: ArrayLike<number>, expected: Tensor, tolerance: OpDef["tolerance"]): void {
  expect(difference(actual, expected, tolerance)).toBeUndefined();
}

for (const [op, def] of DEFS) {
  if (!def.lower && !def.decompose && !TAKEN_APART.includes(op)) continue;
  describe(op, () => {
    for (const example of def.cases) {
      const graph = graphOf(op, example);
      const inputs = feeds(graph, example);
      const expected = evaluate(graph, inputs);
      const optimized = optimize(graph);
      for (const [build, wasm] of builds) {
        it(`${example.name}: ${build} agrees with the definition`, async () => {
          const actual = await runWasm(optimized, wasm, inputs);
          for (const output of graph.outputs) expectClose(actual[output], expected[output], def.tolerance);
        });
      }
      if (!def.quantize || example.quant || graph.types.get("y0")!.dtype !== "f32") continue;
      const quantized = integerForm(optimized, inputs);
      if (!quantized) continue;
      for (const [build, wasm] of builds) {
        it(`${example.name}: ${build} gives the definition's integers`, async () => {
          verifyGraph(quantized);
          const integers = evaluate(quantized, inputs);
          const actual = await runWasm(quantized, wasm, inputs);
          for (const output of quantized.outputs) expectClose(actual[output], integers[output], "exact");
        });
      }
    }
  });
}

/**
 * The graph on grids that its own values span, put out as integers. A layer behind the output makes operators that are not linear
 * themselves worth quantizing; undefined where the output has no last axis that such a layer could read.
 */
function integerForm(graph: Graph, inputs: Feeds): Graph | undefined {
  const { shape } = graph.types.get("y0")!;
  if (shape.length === 0) return undefined;
  const width = shape[shape.length - 1];
  const behind = inferTypes({
    ...graph,
    outputs: ["sink"],
    nodes: [...graph.nodes, makeNode({ op: "MatMul", name: "sink", inputs: ["y0", "eye"], outputs: ["sink"] })],
    constants: new Map([
      ...graph.constants,
      [
        "eye",
        f32(
          Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0)),
          [width, width],
        ),
      ],
    ]),
  });
  const values = [...behind.inputs, ...behind.nodes.flatMap((node) => node.outputs)].filter(
    (value) => behind.types.get(value)!.dtype === "f32",
  );
  const seen = Object.entries(evaluate({ ...behind, outputs: values }, inputs));
  const grids = new Map<string, Quant>(seen.map(([name, { data }]) => [name, gridOfRange(Math.min(0, ...data), Math.max(0, ...data))]));
  const quantized = quantizeStatic(behind, grids);
  const integers = quantized.nodes.flatMap((node) => node.outputs).filter((value) => value === integerNames(behind).of("y0"));
  return { ...quantized, outputs: [...integers, "sink"] };
}
