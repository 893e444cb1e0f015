/**
 * The examples of ONNX's operators, which are the definitions that the kernels are held against, against onnxruntime-web: what both take must give the same.
 * Examples in forms that only the IR has, and those that onnxruntime refuses, are not compared; the last test says how many were.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { FEWER_INPUTS, isIrOnly } from "../../src/onnx/ir-only.ts";
import { STANDARD_OPERATORS } from "../../src/onnx/standard.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import type { OpCase, OpDef } from "../../src/ops/define.ts";
import { ELEMENT_CODES } from "../../src/ops/element-type.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { DEFS, difference, feeds, graphOf } from "../conformance/case-graph.ts";
import { model, node, value } from "../onnx/model.ts";

type Ort = typeof import("onnxruntime-web");

/** Where the two differ by design, by operator and example. */
const DIFFERENT: ReadonlyMap<string, string> = new Map([
  ["Cast: f32 to u8", "ONNX leaves negative numbers open; edgepack wraps, onnxruntime saturates"],
  ["GridSample: cubic, border, corners aligned", "ONNX moves places outside to the border first; onnxruntime only what they read"],
  ["MaxUnpool: larger output", "ONNX counts indices in the image; onnxruntime in the output"],
  ["NonZero: a scalar", "numpy's answer for a scalar changed"],
  ["Pow: Pow i32", "beyond 32 bits edgepack wraps, onnxruntime saturates"],
  ["Resize: linear tf_half_pixel_for_nn", "defined for `nearest` alone"],
  ["Resize: cubic tf_half_pixel_for_nn", "defined for `nearest` alone"],
  ["STFT: complex, computed window", "onnxruntime's sums over complex samples are not those that ONNX defines, worked out by hand"],
]);

const NAMES = { f32: "float32", u8: "uint8", i8: "int8", i32: "int32", i64: "int64", bool: "bool" } as const;

/** Attributes as `node` takes them; undefined where one has no ONNX form, or is of a kind that the helper does not write. */
function attrsOf(attrs: Node["attrs"], specs: OpDef["attrs"]): Parameters<typeof node>[3] | undefined {
  const given = Object.entries(attrs).filter(([key, value]) => value !== undefined && value !== specs[key].default);
  const written = given.map(([key, value]) => {
    const { kind } = specs[key];
    if (isIrOnly(key, specs[key]) || !["int", "float", "string", "ints"].includes(kind)) return undefined;
    return [key, kind === "float" ? { f: value as number } : (value as number | string | number[])] as const;
  });
  return written.includes(undefined) ? undefined : Object.fromEntries(written.map((entry) => entry!));
}

/** The example as a model of the opset that brought its operator, of 17 at least: the form that the IR speaks. Undefined where it has none in ONNX. */
function modelOf(op: string, def: OpDef, graph: Graph): Uint8Array | undefined {
  const [made] = graph.nodes;
  const attrs = attrsOf(made.attrs, def.attrs);
  if (!attrs || made.quant || made.inputs.length > (FEWER_INPUTS.get(op) ?? Number.POSITIVE_INFINITY)) return undefined;
  const typed = (name: string) => value(name, graph.types.get(name)!.shape, ELEMENT_CODES[graph.types.get(name)!.dtype]);
  return model(
    {
      node: [node(op, made.inputs.map((name) => name || "_").join(" "), made.outputs.join(" "), attrs, "n")],
      input: graph.inputs.map(typed),
      output: graph.outputs.map(typed),
      initializer: [...graph.constants].map(([name, data]) => writeTensor(name, data)),
    },
    Math.max(17, STANDARD_OPERATORS.get(op)!),
  );
}

const bytesOf = ({ dtype, data }: Tensor) => (dtype === "i64" ? BigInt64Array.from(Array.from(data, BigInt)) : data);

let compared = 0;

async function compare(ort: Ort, op: string, def: OpDef, example: OpCase): Promise<void> {
  const graph = graphOf(op, example);
  const onnx = modelOf(op, def, graph);
  if (!onnx) return;
  const inputs = feeds(graph, example);
  let wanted: Record<string, { readonly data: ArrayLike<number | bigint>; readonly dims: readonly number[] }>;
  try {
    const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 4 });
    const tensors = Object.entries(inputs).map(([name, x]) => [
      name,
      new ort.Tensor(NAMES[x.dtype] as "float32", bytesOf(x) as Float32Array, x.shape),
    ]);
    wanted = (await session.run(Object.fromEntries(tensors), { logSeverityLevel: 4 })) as never;
  } catch {
    return;
  }
  const defined = evaluate(graph, inputs);
  // Both round as they go.
  const tolerance = def.tolerance === "exact" ? 1e-6 : 5 * def.tolerance;
  for (const output of graph.outputs) {
    expect(wanted[output].dims, output).toEqual(defined[output].shape);
    expect(difference(Array.from(wanted[output].data, Number), defined[output], tolerance), output).toBeUndefined();
  }
  compared++;
}

describe("examples of operators, against onnxruntime-web", () => {
  let ort: Ort;
  beforeAll(async () => {
    ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "fatal";
  });

  for (const [op, def] of DEFS) {
    const examples = def.cases.filter(({ name }) => !DIFFERENT.has(`${op}: ${name}`));
    if (!STANDARD_OPERATORS.has(op) || def.domain) continue;
    it(op, async () => {
      for (const example of examples) await compare(ort, op, def, example);
    });
  }

  it("are compared, most of them", () => {
    expect(compared).toBeGreaterThan(600);
  });
});
