import { describe, expect, it } from "vitest";
import { quantizeDynamic } from "../../src/compress/quantize.ts";
import { storeTables } from "../../src/compress/tables.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { i64 } from "../../src/tensor/index.ts";
import { moduleOf } from "../format/wasm.ts";
import { graphOf, random } from "../graph/build.ts";

const ids = { dtype: "i64", shape: [4] } as const;

const embedding = (rows: number, width: number): Graph =>
  graphOf({
    inputs: { ids },
    constants: { table: random([rows, width], 3) },
    nodes: [["Gather", "table ids", "y"]],
    outputs: "y",
  });

describe("tables that rows are picked from", () => {
  it.each([
    [100, 16],
    [40, 64],
    [20, 80],
  ])("of %i rows of %i are stored as bytes, and read as reals near what they were", async (rows, width) => {
    const graph = embedding(rows, width);
    const quantized = quantizeDynamic(graph);
    verifyGraph(quantized);
    const { pack } = planGraph(quantized);
    expect(pack.regions.map(({ data }) => data.constructor)).toContain(Int8Array);
    expect(writeEpk(pack).length).toBeLessThan(0.4 * writeEpk(planGraph(graph).pack).length);

    const picked = Int32Array.of(0, rows - 1, -1, 7);
    const { y } = (await load(writeEpk(pack), { wasm: moduleOf("scalar") })).run({ ids: picked });
    const inputs = { ids: i64(picked) };
    expect(y).toEqual(evaluate(quantized, inputs).y.data);
    const exact = evaluate(graph, inputs).y.data;
    expect(Math.max(...exact.map((v, i) => Math.abs(v - y[i])))).toBeLessThan(0.5001 / 127);
  });

  it.each([
    ["small", embedding(15, 16)],
    [
      "read by something else as well",
      graphOf({
        inputs: { ids, x: [100, 16] },
        constants: { table: random([100, 16], 3) },
        nodes: [
          ["Gather", "table ids", "y"],
          ["Add", "table x", "z"],
        ],
        outputs: "y z",
      }),
    ],
    [
      "picked from along columns",
      graphOf({
        inputs: { ids },
        constants: { table: random([100, 16], 3) },
        nodes: [["Gather", "table ids", "y", { axis: 1 }]],
        outputs: "y",
      }),
    ],
  ])("stay where they are %s", (_, graph) => {
    expect(storeTables(graph)).toEqual(graph);
  });
});
