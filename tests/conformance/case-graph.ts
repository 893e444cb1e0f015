/** One operator's example as a graph, and that graph in wasm. */
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { OpCase, OpDef } from "../../src/ops/define.ts";
import * as operators from "../../src/ops/index.ts";
import { makeNode } from "../../src/ops/node.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { type Tensor, typeOf } from "../../src/tensor/index.ts";

/** The table of operators. */
export const DEFS = Object.entries(operators).filter((entry): entry is [string, OpDef] => typeof entry[1] === "object");

/** Operators that passes of their own take apart, and so run though they have neither kernel nor `decompose`. */
export const TAKEN_APART: readonly string[] = ["Gemm", "BatchNormalization"];

export type Feeds = Readonly<Record<string, Tensor>>;

/** Inputs are x0, x1 …, outputs y0, y1 …; those that the example names are constants. Throws where they do not fit the operator. */
export function graphOf(op: string, example: OpCase): Graph {
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

/** The example's values for the inputs that the graph has. */
export const feeds = (graph: Graph, example: OpCase): Feeds =>
  Object.fromEntries(example.inputs.flatMap((input, i) => (input && graph.inputs.includes(`x${i}`) ? [[`x${i}`, input] as const] : [])));

export async function runWasm(
  graph: Graph,
  wasm: Uint8Array | WebAssembly.Module,
  inputs: Feeds,
): Promise<Record<string, ArrayLike<number>>> {
  using model = await load(writeEpk(planGraph(graph).pack), { wasm });
  return model.run(
    Object.fromEntries(
      Object.entries(inputs).map(([name, { data, dtype }]) => [name, dtype === "i64" ? Int32Array.from(data) : data]),
    ) as never,
  );
}

/** What is wrong with a result; undefined where it is within the operator's tolerance, relative above 1 and absolute below. */
export function difference(actual: ArrayLike<number>, expected: Tensor, tolerance: OpDef["tolerance"]): string | undefined {
  if (actual.length !== expected.data.length) return `${actual.length} elements, not ${expected.data.length}`;
  for (let i = 0; i < actual.length; i++) {
    const want = expected.data[i];
    const allowed = tolerance === "exact" ? 0 : tolerance * Math.max(1, Math.abs(want));
    if (!(Math.abs(actual[i] - want) <= allowed || Object.is(actual[i], want) || actual[i] === want))
      return `element ${i} is ${actual[i]}, not ${want} (± ${allowed})`;
  }
  return undefined;
}
