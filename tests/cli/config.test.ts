import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cli, example } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "edgepack-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** Writes a configuration and builds by it. */
async function buildBy(config: object | string, { ext = "json", flags = [] as string[] } = {}) {
  const name = `c${files++}`;
  const file = join(folder, `${name}.${ext}`);
  writeFileSync(file, typeof config === "string" ? config : JSON.stringify({ out: `${name}.epk`, ...config }));
  const result = await cli("build", "--config", file, ...flags);
  return result;
}

const MODEL = example("dscnn.onnx");
const DATA = { calibration: example("slice"), mean: [0.286], std: [0.353], calibrationCount: 32 };
const json = ({ out }: { out: string }) => JSON.parse(out);

describe("a configuration", () => {
  it("gives model, data and steps, with paths that are relative to it", async () => {
    writeFileSync(join(folder, "m.onnx"), readFileSync(MODEL));
    const config = { model: "m.onnx", out: "w4.epk", ...DATA, steps: [{ step: "quantize", weights: { bits: 4 } }] };
    const result = await buildBy(config, { flags: ["--json"] });
    expect(result.err).toContain(`wrote ${join(folder, "w4.epk")}`);
    expect(json(result).steps).toMatchObject([{ step: "quantize", activations: "static" }]);
    expect(readFileSync(join(folder, "w4.epk")).length).toBeLessThan(8000);
  });

  it("goes behind flags and before defaults", async () => {
    const result = await buildBy(
      { model: MODEL, out: "a.epk", weights: "f32", calibrationCount: 8 },
      { flags: ["--weights", "int8", "--json"] },
    );
    expect([result.status, json(result).mode]).toEqual([0, "int8-dynamic"]);
  });

  it("can be TypeScript", async () => {
    const text = `const bits: number = 3;\nexport default { model: ${JSON.stringify(MODEL)}, out: "ts.epk", steps: [{ step: "quantize", weights: { bits } }] };`;
    const result = await buildBy(text, { ext: "ts", flags: ["--json"] });
    expect([result.status, json(result).mode]).toEqual([0, "int8-dynamic"]);
  });

  it.each([
    ["an unknown key", { model: MODEL, calibratoin: "x" }, /calibratoin: there is no such option \(did you mean calibration\?\)/],
    ["a wrong value", { model: MODEL, seed: -1 }, /seed: .*>=0.*-1/],
    [
      "an unknown step",
      { steps: [{ step: "quantise" }] },
      /steps\[0\]: "quantise" is no step \(did you mean quantize\?\); there are clean, equalize, prune/,
    ],
    [
      "an unknown option of a step",
      { steps: [{ step: "quantize", weights: { bit: 4 } }] },
      /steps\[0\] \(quantize\)\.weights\.bit: there is no such option \(did you mean bits\?\)/,
    ],
    [
      "two ways to say one thing",
      { steps: [{ step: "quantize", weights: { bits: 4, codebook: 16 } }] },
      /bits, levels and codebook exclude each other/,
    ],
    [
      "an order that makes no sense",
      { steps: [{ step: "quantize" }, { step: "prune", remove: { share: 0.5 } }] },
      /steps\[1\] \(prune\) works on f32 weights, and steps\[0\] \(quantize\) has put them on grids: put it before/,
    ],
    ["bias correction of f32", { steps: [{ step: "correct-bias" }] }, /works on weights that are on grids, and none are yet/],
    ["a search for nothing", { steps: [{ step: "search" }] }, /a search needs a budget/],
    ["pruning of no amount", { steps: [{ step: "prune" }] }, /say how much goes/],
  ])("is refused, and the command ends with 2: %s", async (_, config, message) => {
    const { status, err } = await buildBy(config);
    expect(err).toMatch(message);
    expect(status).toBe(2);
  });

  it("says all that is wrong at once", async () => {
    const { err } = await buildBy({ steps: [{ step: "prune" }, { step: "x" }, { step: "quantize", weights: { bits: 9 } }] });
    expect(err.match(/steps\[[012]\]/g)).toEqual(["steps[0]", "steps[1]", "steps[2]"]);
  });

  it("is refused together with flags for other steps", async () => {
    const { status, err } = await buildBy({ model: MODEL, steps: [{ step: "quantize" }] }, { flags: ["--bits", "4"] });
    expect([status, err]).toEqual([2, expect.stringContaining("leave one out")]);
  });

  it("that does not exist, or names no model, is said to", async () => {
    expect((await cli("build", "--config", join(folder, "none.json"))).err).toContain("none.json");
    expect((await buildBy({})).err).toContain("Name the model");
  });
});

describe("a run", () => {
  const steps = [{ step: "prune", remove: { share: 0.3 } }, { step: "quantize", weights: { bits: 5 } }, { step: "correct-bias" }];

  it("that was killed goes on from its last step to the same bytes, and leaves nothing behind", async () => {
    const config = { model: MODEL, out: "r.epk", ...DATA, steps };
    const whole = await buildBy({ ...config, out: "whole.epk" });
    expect(whole.status).toBe(0);
    const resume = join(folder, "reached");
    // The folder of a run that reached its second step: its checkpoints are kept as they are written.
    const { Checkpoints } = await import("../../src/compress/checkpoint.ts");
    const saved: Uint8Array[] = [];
    const save = Checkpoints.prototype.save;
    Checkpoints.prototype.save = function (step, state) {
      save.call(this, step, state);
      if (step === 1) throw new Error("killed");
      saved.push(new Uint8Array());
    };
    try {
      expect((await buildBy({ ...config, resume: "reached" })).status).toBe(1);
    } finally {
      Checkpoints.prototype.save = save;
    }
    expect(readdirSync(resume).length).toBe(2);
    const stages: string[] = [];
    const latest = Checkpoints.prototype.latest;
    Checkpoints.prototype.latest = function () {
      const reached = latest.call(this);
      stages.push(`${reached?.step}`);
      return reached;
    };
    try {
      expect((await buildBy({ ...config, resume: "reached" })).status).toBe(0);
    } finally {
      Checkpoints.prototype.latest = latest;
    }
    expect(stages).toEqual(["1"]);
    expect(readFileSync(join(folder, "r.epk"))).toEqual(readFileSync(join(folder, "whole.epk")));
    expect(readdirSync(resume)).toEqual([]);
  });

  it("with a budget that cannot be met says what was reached, and writes nothing", async () => {
    const { status, err } = await buildBy({ model: MODEL, out: "none.epk", ...DATA, steps: [{ step: "search", maxSize: "100B" }] });
    expect(status).toBe(1);
    expect(err).toMatch(/What was reached:\n( {2}- \d+ bytes at .* dB: \d+ bytes, 100 allowed\n)+/);
    expect(readdirSync(folder)).not.toContain("none.epk");
  });

  it("with the same item in calibration and validation is refused", async () => {
    const steps = [{ step: "search", maxDrop: 1 }];
    const { status, err } = await buildBy({ model: MODEL, ...DATA, calibrationCount: 300, validation: example("slice"), steps });
    expect([status, err]).toEqual([1, expect.stringMatching(/of \d+ validation items are also calibration items/)]);
  });
});

describe("flags", () => {
  it("find the most accurate pack of a size", async () => {
    const out = join(folder, "small.epk");
    const data = ["--calibration", example("slice"), "--mean", "0.286", "--std", "0.353"];
    const result = await cli("build", MODEL, "-o", out, ...data, "--max-size", "8kB", "--json");
    const [note] = json(result).steps;
    expect(readFileSync(out).length).toBeLessThanOrEqual(8000);
    expect(note).toMatchObject({ step: "search", samples: "validation", policy: "most-accurate" });
    const within = note.front.filter(({ bytes }: { bytes: number }) => bytes <= 8000);
    expect(note.chosen.sqnr).toBe(Math.max(...within.map(({ sqnr }: { sqnr: number }) => sqnr)));
  });
});
