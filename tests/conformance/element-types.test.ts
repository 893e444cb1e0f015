import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EdgepackError } from "../../src/errors.ts";
import type { OpCase } from "../../src/ops/define.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { DTYPES, type DType, type Tensor } from "../../src/tensor/index.ts";
import { DEFS, difference, graphOf, runWasm, feeds as valuesOf } from "./case-graph.ts";

const wasm = new WebAssembly.Module(readFileSync(new URL("../../dist/simd.wasm", import.meta.url)));

/** The example with small whole numbers of another type in the place of those that are of its first input's type. */
function inType(example: OpCase, dtype: DType): OpCase {
  const first = example.inputs[0]?.dtype;
  const cast = (value: Tensor | undefined) =>
    value && value.dtype === first && !value.quant
      ? { ...value, dtype, data: DTYPES[dtype].array.from(Array.from(value.data, (v) => Math.min(Math.abs(Math.round(v * 3)), 100))) }
      : value;
  return { ...example, inputs: example.inputs.map(cast) };
}

/** What wasm gets wrong by more than rounding; undefined where it agrees with the definition, or the element type is refused. */
async function disagreement(op: string, example: OpCase): Promise<string | undefined> {
  try {
    const graph = graphOf(op, example);
    const inputs = valuesOf(graph, example);
    const expected = evaluate(graph, inputs);
    const actual = await runWasm(optimize(graph), wasm, inputs);
    return graph.outputs.map((name) => difference(actual[name], expected[name], 1)).find((text) => text !== undefined);
  } catch (error) {
    if (error instanceof EdgepackError || error instanceof RangeError) return undefined;
    throw error;
  }
}

describe("bits of one element type are never read as another:", () => {
  for (const [op, { cases }] of DEFS) {
    const [example] = cases;
    if (!example?.inputs[0] || example.quant) continue;
    for (const dtype of ["i32", "u8"] as const) {
      if (cases.some(({ inputs }) => inputs[0]?.dtype === dtype)) continue;
      it(`${op} of ${dtype} is computed as defined, or refused`, async () => {
        expect(await disagreement(op, inType(example, dtype))).toBeUndefined();
      });
    }
  }
});
