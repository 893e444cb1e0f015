import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli, example } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "edgepack-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));
const MODEL = example("dscnn.onnx");
const NORM = ["--mean", "0.286", "--std", "0.353"];
const [int8, ternary] = ["int8.epk", "ternary.epk"].map((name) => join(folder, name));
beforeAll(async () => {
  const data = ["--calibration", example("slice"), "--calibration-count", "32", ...NORM];
  await cli("build", MODEL, ...data, "-o", int8);
  await cli("build", MODEL, ...data, "--bits", "2", "-o", ternary);
});

describe("compare", () => {
  it("puts packs and a model side by side, against the first, with accuracy where there are labels", async () => {
    const flags = ["--data", example("slice"), "--count", "200", "--quick", "--json"];
    const { status, out } = await cli("compare", MODEL, int8, ternary, ...NORM, ...flags);
    expect(status).toBe(0);
    const { samples, models } = JSON.parse(out);
    expect([samples, models.map(({ path }: { path: string }) => path)]).toEqual([200, [MODEL, int8, ternary]]);
    const [f32, q8, q2] = models;
    expect(f32.agreement).toBeUndefined();
    expect(q8.agreement.sqnr).toBeGreaterThan(q2.agreement.sqnr);
    expect(q8.agreement.top1).toBeGreaterThan(0.95);
    expect(Math.abs(f32.correct - q8.correct)).toBeLessThanOrEqual(Math.round(200 * (1 - q8.agreement.top1)));
    expect([q8.bytes, q2.bytes]).toEqual([statSync(int8).size, statSync(ternary).size]);
    expect(q2.bitsPerWeight).toBeLessThan(q8.bitsPerWeight);
    for (const { bytes, sizes, ms, q1, q3 } of models) {
      expect(sizes.weights + sizes.plan + sizes.meta + sizes.other).toBe(bytes);
      expect(q1 <= ms && ms <= q3 && q1 > 0).toBe(true);
    }
  });

  it("prints a column for each, and needs no data", async () => {
    const { status, out } = await cli("compare", int8, ternary, "--quick");
    expect(status).toBe(0);
    expect(out).toMatch(/^8 inputs: 8 synthetic inputs\n/);
    expect(out).toMatch(/\n\.epk +[\d.]+ kB +[\d.]+ kB\n {2}of the first +100\.0 % +\d\d\.\d %\n/);
    expect(out).not.toMatch(/top-1|NaN|undefined/);
  });

  it("finds a pack to be as itself", async () => {
    const { out } = await cli("compare", int8, int8, "--quick", "--json");
    expect(JSON.parse(out).models[1].agreement).toEqual({ top1: 1, sqnr: null });
  });

  it("refuses models with other inputs, with what differs", async () => {
    const { status, err } = await cli("compare", int8, MODEL);
    expect([status, err]).toEqual([
      1,
      expect.stringContaining(`inputs of ${MODEL}: image f32[1,1,28,28]; of ${int8}: image f32[1,1,28,28], bytes`),
    ]);
  });

  it("refuses options of models where all are packs", async () => {
    expect((await cli("compare", int8, ternary, "--mean", "0.5")).status).toBe(2);
  });
});
