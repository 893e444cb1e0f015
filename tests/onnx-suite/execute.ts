/** One case through the product: build to a pack, load it, run it, and compare. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../src/build.ts";
import { EdgepackError } from "../../src/errors.ts";
import { type GraphProto, MODEL, TENSOR, type ValueInfoProto } from "../../src/onnx/schema.ts";
import { readTensor } from "../../src/onnx/tensor.ts";
import { decode } from "../../src/onnx/wire.ts";
import { load, type TypedArray, type Values } from "../../src/run/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import type { Case } from "./cases.ts";
import { mismatch } from "./compare.ts";
import { shapeInputs } from "./freeze.ts";

export interface Outcome {
  /** Why it failed; undefined where it passed. */
  readonly failure?: string;
  /** The operator that the failure is put down to, or of the whole model. */
  readonly operator: string;
  /** Inputs that had to be constants. */
  readonly frozen: readonly string[];
  /** Inputs that remained. */
  readonly live: number;
}

/** ONNX's codes of element types. */
const [UINT16, BFLOAT16] = [4, 16];

type Named = Readonly<Record<string, Tensor>>;

export async function execute(of: Case, wasm: WebAssembly.Module): Promise<Outcome> {
  const bytes = readFileSync(join(of.folder, "model.onnx"));
  const graph = decode(bytes, MODEL, "model").graph!;
  const constant = new Set(graph.initializer.map((initializer) => initializer.name));
  const inputs = readValues(
    of,
    "input",
    graph.input.filter(({ name }) => !constant.has(name)),
  );
  const expected = readValues(of, "output", graph.output);
  const shaping = [...shapeInputs(graph)].filter((name) => Object.hasOwn(inputs, name));
  const attempt = (frozen: readonly string[]) => runOnce(bytes, inputs, frozen, expected, wasm);

  let frozen: readonly string[] = [];
  let problems = await attempt([]);
  if (problems.length && shaping.length) {
    frozen = shaping;
    problems = await attempt(shaping);
  }
  return {
    operator: operatorOf(graph, problems),
    ...(problems.length && { failure: problems.slice(0, 2).join("; ") }),
    frozen,
    live: Object.keys(inputs).length - frozen.length,
  };
}

/** `<kind>_<i>.pb` are the values of the ports in order. */
function readValues({ folder }: Case, kind: "input" | "output", ports: readonly ValueInfoProto[]): Named {
  return Object.fromEntries(
    ports.flatMap(({ name = "", type }, i) => {
      const path = join(folder, "test_data_set_0", `${kind}_${i}.pb`);
      if (!existsSync(path)) return [];
      const proto = decode(readFileSync(path), TENSOR, "tensor");
      // numpy, which wrote the data, has no bfloat16: its bits stand as integers.
      const bits = type?.tensorType?.elemType === BFLOAT16 && proto.dataType === UINT16;
      return [[name, readTensor(bits ? { ...proto, dataType: BFLOAT16 } : proto, undefined)] as const];
    }),
  );
}

/** What went wrong, a line for each problem. */
async function runOnce(
  bytes: Uint8Array,
  inputs: Named,
  frozen: readonly string[],
  expected: Named,
  wasm: WebAssembly.Module,
): Promise<readonly string[]> {
  const isFrozen = (name: string) => frozen.includes(name);
  const live = Object.entries(inputs).filter(([name]) => !isFrozen(name));
  try {
    const { epk } = await build(bytes, {
      weights: "f32",
      shapes: Object.fromEntries(live.map(([name, { shape }]) => [name, shape])),
      fixed: Object.fromEntries(Object.entries(inputs).filter(([name]) => isFrozen(name))),
    });
    using model = await load(epk, { wasm });
    const results = model.run(Object.fromEntries(live.map(([name, value]) => [name, feed(value)])) as Values);
    return Object.entries(expected).flatMap(([name, value]) => {
      const info = model.outputs.find((output) => output.name === name);
      return info ? (mismatch(info, results[name], value) ?? []) : [`${name} is no output`];
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof EdgepackError && error.problems.length) return error.problems;
    return [error instanceof EdgepackError ? error.message : `threw ${error.stack?.split("\n").slice(0, 2).join(" ")}`];
  }
}

/** As the runtime takes it: 64-bit integers saturate. */
function feed({ dtype, data }: Tensor): TypedArray {
  return dtype === "i64" ? Int32Array.from(data, (v) => Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1)) : (data as TypedArray);
}

function operatorOf({ node }: GraphProto, problems: readonly string[]): string {
  const operators = new Set(node.map(({ opType = "" }) => opType));
  const blamed = problems.map((problem) => problem.split(" ")[0]).find((word) => operators.has(word));
  return blamed ?? (operators.size === 1 ? [...operators][0] : "several");
}
