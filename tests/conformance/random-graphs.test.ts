/**
 * Whatever graph of supported operators comes, the way from ONNX to wasm computes what the definitions say. Runs `EDGEPACK_RANDOM_GRAPHS`
 * graphs (100 where unset) from the seed `EDGEPACK_SEED`; a failure prints the seed and the smallest recipe that shows it.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { EdgepackError } from "../../src/errors.ts";
import { writeEpk } from "../../src/format/index.ts";
import { type Graph, type Node, subgraphsOf } from "../../src/graph/graph.ts";
import { readOnnx, writeOnnx } from "../../src/onnx/index.ts";
import { opOf } from "../../src/ops/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { gridOfRange, type Quant, type Tensor } from "../../src/tensor/index.ts";
import { randomInputs } from "../graph/build.ts";
import { graphOf, recipes } from "./random-graph.ts";

const numRuns = Number(process.env.EDGEPACK_RANDOM_GRAPHS ?? 100);
const seed = Number(process.env.EDGEPACK_SEED ?? 1);

/** Those that this engine runs: Node 22 and newer have the relaxed one. */
const builds = ["scalar", "simd", "relaxed"]
  .map((name) => [name, readFileSync(new URL(`../../dist/${name}.wasm`, import.meta.url))] as const)
  .filter(([, bytes]) => WebAssembly.validate(bytes))
  .map(([name, bytes]) => [name, new WebAssembly.Module(bytes)] as const);

type Values = Readonly<Record<string, Tensor>>;

/** The bytes of a tensor as the runtime takes them: 64-bit integers as 32. */
const stored = ({ dtype, data }: Tensor) => (dtype === "i64" ? Int32Array.from(data) : data);

/** All builds give `expected`, each output within its tolerance relative to its largest element. */
async function expectRuns(graph: Graph, inputs: Values, expected: Values, tolerance: (output: string) => number): Promise<void> {
  const pack = writeEpk(planGraph(graph).pack);
  for (const [build, wasm] of builds) {
    const model = await load(pack, { wasm });
    const actual = model.run(Object.fromEntries(graph.inputs.map((name) => [name, stored(inputs[name]) as Float32Array])));
    for (const output of graph.outputs) expectClose(`${output} of ${build}`, actual[output], expected[output], tolerance(output));
    model.dispose();
  }
}

function expectClose(what: string, actual: ArrayLike<number>, { data }: Tensor, tolerance: number): void {
  expect(actual.length, what).toBe(data.length);
  const largest = Array.from(data).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  const wrong = data.findIndex((want, i) => !(Math.abs(actual[i] - want) <= tolerance * largest || Object.is(actual[i], want)));
  if (wrong >= 0) expect.fail(`${what}: element ${wrong} is ${actual[wrong]}, not ${data[wrong]}`);
}

/** Values that are the same bits on every engine: computed from the inputs by integer kernels, moves, and f32 kernels that round alike. */
function exactValues(graph: Graph): Set<string> {
  const exact = new Set([...graph.inputs, ...graph.constants.keys(), ""]);
  const isExact = (node: Node): boolean =>
    (opOf(node.op)!.tolerance === "exact" && subgraphsOf(node).length === 0) ||
    node.quant !== undefined ||
    graph.constants.get(node.inputs[1])?.dtype === "i8";
  for (const node of graph.nodes)
    if (isExact(node) && node.inputs.every((input) => exact.has(input))) for (const output of node.outputs) exact.add(output);
  return exact;
}

/** With everything that stands on a grid put out as well. */
function withIntegers(graph: Graph): Graph {
  const integers = graph.nodes.flatMap((node) => node.outputs).filter((value) => graph.types.get(value)!.dtype === "i8");
  return { ...graph, outputs: [...new Set([...graph.outputs, ...integers])] };
}

function gridsOf(graph: Graph, inputs: Values): Map<string, Quant> {
  const grids = new Map<string, Quant>();
  const see = (name: string, { data }: Tensor): void => {
    const [min, max] = [Math.min, Math.max].map((pick) => Array.from(data).reduce((a, b) => pick(a, b), 0));
    grids.set(name, gridOfRange(min, max));
  };
  for (const [name, value] of Object.entries(inputs)) see(name, value);
  evaluate(graph, inputs, see);
  return grids;
}

/** Runs `check` unless the graph is refused, which has to be by an EdgepackError. */
async function unlessRefused(check: () => Promise<void>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    if (error instanceof EdgepackError && error.code === "ONNX_UNSUPPORTED") return false;
    throw error;
  }
}

function property(check: (graph: Graph, inputs: Values) => Promise<void>) {
  return async () => {
    let ran = 0;
    let all = 0;
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const graph = graphOf(recipe);
        all++;
        if (await unlessRefused(() => check(graph, randomInputs(graph, 7)))) ran++;
      }),
      { numRuns, seed },
    );
    expect(ran / all).toBeGreaterThan(0.9);
  };
}

const TIME = 60_000 + 1_000 * numRuns;

describe(`random graphs, seed ${seed}`, () => {
  it(
    "f32: passes keep what a graph computes, and the kernels compute it",
    property(async (graph, inputs) => {
      const expected = evaluate(graph, inputs);
      const allowed = (output: string): number => (expected[output].dtype === "f32" ? 1e-3 : 0);
      // Closed subgraphs are no ONNX.
      const read = graph.nodes.some((node) => subgraphsOf(node).length) ? graph : readOnnx(writeOnnx(graph)).graph;
      let last = read;
      const optimized = optimize(read, (name, step) => {
        if (step === last) return;
        last = step;
        verifyGraph(step);
        const computed = evaluate(step, inputs);
        for (const output of graph.outputs)
          expectClose(`${output} after ${name}`, computed[output].data, expected[output], allowed(output));
      });
      await expectRuns(optimized, inputs, expected, allowed);
    }),
    TIME,
  );

  it(
    "static int8: the kernels give the definition's integers, bit for bit",
    property(async (graph, inputs) => {
      const optimized = optimize(graph);
      const quantized = withIntegers(quantizeStatic(optimized, gridsOf(optimized, inputs)));
      verifyGraph(quantized);
      const exact = exactValues(quantized);
      await expectRuns(quantized, inputs, evaluate(quantized, inputs), (output) => (exact.has(output) ? 0 : Number.POSITIVE_INFINITY));
    }),
    TIME,
  );

  it(
    "dynamic int8: the kernels give the definition's results, bit for bit where all of f32 before them is exact",
    property(async (graph, inputs) => {
      const quantized = quantizeDynamic(optimize(graph));
      verifyGraph(quantized);
      const exact = exactValues(quantized);
      await expectRuns(quantized, inputs, evaluate(quantized, inputs), (output) => (exact.has(output) ? 0 : Number.POSITIVE_INFINITY));
    }),
    TIME,
  );
});
