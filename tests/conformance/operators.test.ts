import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onGrid, quantizeStatic } from "../../src/compress/quantize.ts";
import { writeEpk } from "../../src/format/index.ts";
import { evaluate } from "../../src/graph/evaluate.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { inferTypes } from "../../src/graph/infer.ts";
import { verifyGraph } from "../../src/graph/verify.ts";
import type { OpCase, OpDef } from "../../src/ops/define.ts";
import * as operators from "../../src/ops/index.ts";
import { makeNode } from "../../src/ops/node.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { f32, gridOfRange, type Quant, type Tensor, typeOf } from "../../src/tensor/index.ts";

const builds = ["scalar", "simd"].map((name) => [name, readFileSync(new URL(`../../dist/${name}.wasm`, import.meta.url))] as const);

const defs = Object.entries(operators).filter((entry): entry is [string, OpDef] => typeof entry[1] === "object");

/** Operators that passes of their own take apart, and so run though they have neither kernel nor `decompose`. */
const TAKEN_APART = ["Gemm", "BatchNormalization"];

function graphOf(op: string, example: OpCase): Graph {
  const names = example.inputs.map((input, i) => (input ? `x${i}` : ""));
  const isConstant = (i: number): boolean => example.constants?.includes(i) ?? false;
  const outputs = Array.from({ length: example.outputs ?? 1 }, (_, i) => `y${i}`);
  const given = example.inputs.flatMap((input, i) => (input ? [[names[i], input, isConstant(i)] as const] : []));
  return inferTypes({
    name: example.name,
    inputs: given.filter(([, , constant]) => !constant).map(([name]) => name),
    outputs,
    nodes: [makeNode({ op, name: "node", inputs: names, outputs, attrs: example.attrs, quant: example.quant })],
    constants: new Map(given.filter(([, , constant]) => constant).map(([name, value]) => [name, value])),
    types: new Map(given.map(([name, value]) => [name, typeOf(value)])),
  });
}

type Feeds = Readonly<Record<string, Tensor>>;

const feeds = (graph: Graph, example: OpCase): Feeds =>
  Object.fromEntries(example.inputs.flatMap((input, i) => (input && graph.inputs.includes(`x${i}`) ? [[`x${i}`, input] as const] : [])));

async function runWasm(graph: Graph, wasm: Uint8Array, inputs: Feeds): Promise<Record<string, ArrayLike<number>>> {
  const model = await load(writeEpk(planGraph(graph).pack), { wasm });
  try {
    return model.run(
      Object.fromEntries(
        Object.entries(inputs).map(([name, { data, dtype }]) => [name, dtype === "i64" ? Int32Array.from(data) : data]),
      ) as never,
    );
  } finally {
    model.dispose();
  }
}

function expectClose(actual: ArrayLike<number>, expected: Tensor, tolerance: OpDef["tolerance"]): void {
  expect(actual.length).toBe(expected.data.length);
  for (let i = 0; i < actual.length; i++) {
    const want = expected.data[i];
    const allowed = tolerance === "exact" ? 0 : tolerance * Math.max(1, Math.abs(want));
    if (!(Math.abs(actual[i] - want) <= allowed || Object.is(actual[i], want) || actual[i] === want)) {
      expect.fail(`element ${i} is ${actual[i]}, not ${want} (± ${allowed})`);
    }
  }
}

for (const [op, def] of defs) {
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
  const integers = quantized.nodes.flatMap((node) => node.outputs).filter((value) => value === onGrid("y0"));
  return { ...quantized, outputs: [...integers, "sink"] };
}
