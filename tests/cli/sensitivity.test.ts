import { describe, expect, it } from "vitest";
import { kneeOf } from "../../src/compress/knee.ts";
import { cli, example } from "./program.ts";

const ARGS = [
  example("dscnn.onnx"),
  "--calibration",
  example("slice"),
  "--mean",
  "0.286",
  "--std",
  "0.353",
  "--calibration-count",
  "32",
  "--count",
  "32",
];

describe("sensitivity", () => {
  it("measures each layer at each share, and marks the knee at one of them", async () => {
    const { status, out } = await cli("sensitivity", ...ARGS, "--from", "0.2", "--to", "0.8", "--steps", "4", "--json");
    expect(status).toBe(0);
    const { by, samples, reference, layers } = JSON.parse(out);
    expect([by, samples, reference.same, layers.length]).toEqual(["prune", 32, 32, 10]);
    for (const { points, knee } of layers) {
      expect(points.map(({ level }: { level: number }) => level)).toEqual([0.2, 0.4, 0.6, 0.8]);
      expect(points[0].sqnr).toBeGreaterThan(points[3].sqnr);
      expect(knee).toBe(kneeOf(points.map(({ level, sqnr }: { level: number; sqnr: number }) => ({ x: level, y: sqnr }))));
    }
  });

  it("prints tables, with accuracy where there are labels", async () => {
    const { status, out } = await cli("sensitivity", ...ARGS, "--by", "bits", "--from", "4");
    expect(status).toBe(0);
    expect(out).toMatch(/^SQNR of the outputs, dB, on 32 inputs\n\nlayer +weights +4 bit +3 bit +2 bit +knee\n/);
    expect(out).toMatch(/\n\nAccuracy, %, \d+\.\d before\n\nlayer +weights +4 bit +3 bit +2 bit\n/);
  });
});
