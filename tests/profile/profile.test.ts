import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Op } from "../../assembly/shared/plan.ts";
import { readEpk, writeEpk } from "../../src/format/index.ts";
import type { Node } from "../../src/graph/graph.ts";
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { profile } from "../../src/profile/profile.ts";
import { i64 } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

const wasm = readFileSync(new URL("../../dist/simd.wasm", import.meta.url));

/** Too many for the loop to be unrolled. */
const STEPS = 1000;

const net = graphOf({
  inputs: { x: [1, 8, 8, 4] },
  constants: { w: random([4, 4, 3, 3], 1) },
  nodes: [
    ["Conv", "x w", "y", { layout: "NHWC", pads: [1, 1, 1, 1] }],
    ["Sigmoid", "y", "z"],
  ],
  outputs: "z",
});

describe("profile", () => {
  it("times the records of a plan in their order, and the whole inference", async () => {
    const { records, ms } = await profile(readEpk(writeEpk(planGraph(net).pack)), { wasm, duration: 5 });
    expect(records.map(({ op }) => op)).toEqual([Op.f32_conv, Op.f32_unary]);
    expect(records.map(({ words }) => words[0])).toEqual([Op.f32_conv, Op.f32_unary]);
    expect(records.map(({ runs }) => runs)).toEqual([1, 1]);
    expect(records[0].ms).toBeGreaterThan(0);
    expect(ms).toBeGreaterThan(0);
  });

  it("follows jumps, and counts how often a loop's records run", async () => {
    const body = exampleGraph(["i", "go", "s"], [["Sin", "s", "next"]], "go next");
    const looped = graphOf({
      inputs: { x: [16] },
      constants: { limit: i64([STEPS], []) },
      nodes: [["Loop", "limit _ x", "y", { captures: 0, body } as Node["attrs"]]],
      outputs: "y",
    });
    const plan = planGraph(optimize(looped));
    const { records } = await profile(readEpk(writeEpk(plan.pack)), { wasm, duration: 5 });
    expect(records.filter(({ op }) => op === Op.f32_unary).map(({ runs }) => runs)).toEqual([STEPS]);
  });

  it("refuses a module without the kernels of the model", async () => {
    const epk = readEpk(writeEpk(planGraph(net).pack));
    epk.image[epk.meta.plan] = 250;
    await expect(profile(epk, { wasm, duration: 5 })).rejects.toMatchObject({ code: "EPK_VERSION" });
  });
});
