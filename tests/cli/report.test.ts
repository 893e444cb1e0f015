import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cli, example } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "edgepack-report-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const MODEL = example("dscnn.onnx");
const DATA = ["--calibration", example("slice"), "--calibration-count", "32", "--mean", "0.286", "--std", "0.353"];

describe("build --report", () => {
  it("writes JSON with weights and changed answers", async () => {
    const out = at("a.epk");
    const result = await cli("build", MODEL, "-o", out, ...DATA, "--bits", "3", "--report", at("r.json"), "--json");
    expect(result.status).toBe(0);
    const { evidence, ...report } = JSON.parse(readFileSync(at("r.json"), "utf8"));
    const { output: _, ...printed } = JSON.parse(result.out);
    expect(report).toEqual(printed);
    expect(evidence.recipe.map(({ step }: { step: string }) => step)).toEqual(["quantize", "correct-bias"]);
    expect(evidence.weights).toHaveLength(10);
    for (const { grid } of evidence.weights) expect(grid.length).toBeLessThanOrEqual(7);
    const { samples, changed, examples, correct } = evidence.answers;
    expect([samples, examples.length]).toEqual([32, Math.min(changed, 60)]);
    expect(Math.abs(correct.before - correct.after)).toBeLessThanOrEqual(changed);
    for (const { before, after, image } of examples) {
      expect(before).not.toBe(after);
      expect(image).toMatch(/^data:image\/png;base64,/);
    }
  });

  it("writes a page, also for a model without data and steps", async () => {
    expect((await cli("build", MODEL, "-o", at("b.epk"), "--weights", "f32", "--report", at("r.html"))).status).toBe(0);
    const page = readFileSync(at("r.html"), "utf8");
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect((await cli("build", MODEL, "-o", at("b.epk"), "--weights", "f32", "--report", at("r.html"))).status).toBe(0);
  });

  it("is refused with another extension, and over files that are no reports, before anything is built", async () => {
    const other = await cli("build", MODEL, "-o", at("c.epk"), "--report", at("r.pdf"));
    expect([other.status, other.err]).toEqual([2, expect.stringContaining("name it .html or .json")]);
    writeFileSync(at("notes.html"), "my notes on models");
    const mine = await cli("build", MODEL, "-o", at("c.epk"), "--report", at("notes.html"));
    expect([mine.status, mine.err]).toEqual([1, expect.stringContaining("is not a report; --force")]);
  });
});

describe("a mask", () => {
  const build = async (out: string, steps: readonly object[], flags: readonly string[] = []) => {
    writeFileSync(at("c.json"), JSON.stringify({ out, steps }));
    const result = await cli("build", MODEL, "--config", at("c.json"), ...DATA, ...flags);
    expect(result.err).toContain("wrote ");
    return readFileSync(at(out));
  };
  const quantize = { step: "quantize", weights: { bits: 4 } };

  it("that was saved gives the bytes of the pruning that chose it, by a path relative to the configuration", async () => {
    const pruned = await build("p.epk", [{ step: "prune", remove: { share: 0.4 } }, quantize], ["--save-mask", at("m.npz")]);
    const masked = await build("m.epk", [{ step: "mask", file: "m.npz" }, quantize]);
    expect(masked.equals(pruned)).toBe(true);
  });

  it("can be inspected, for people and for programs", async () => {
    const { out } = await cli("inspect", at("m.npz"), "--json");
    const mask = JSON.parse(out);
    expect(mask.removed / mask.elements).toBeCloseTo(0.4, 3);
    expect((await cli("inspect", at("m.npz"))).out).toMatch(/^mask {2}removes .* of .* weights \(40\.0 %\)\n/);
  });

  it("can be inverted: then what it removed is what is left", async () => {
    const report = ["--report", at("inverted.json")];
    await build("i.epk", [{ step: "mask", file: "m.npz", invert: true, reconstruct: false }, quantize], report);
    const [{ weights }] = JSON.parse(readFileSync(at("inverted.json"), "utf8")).steps;
    const total = (of: string) => weights.reduce((sum: number, w: Record<string, number>) => sum + w[of], 0);
    expect(total("removed") / total("elements")).toBeCloseTo(0.6, 3);
  });

  it("of another model is refused with what does not fit", async () => {
    writeFileSync(at("c.json"), JSON.stringify({ steps: [{ step: "mask", file: "m.npz" }] }));
    const { status, err } = await cli("build", example("resnet20.onnx"), "-o", at("x.epk"), "--config", at("c.json"));
    expect([status, err]).toEqual([1, expect.stringContaining("The mask does not fit")]);
  });

  it("of other content is not gone on with by a run that was killed", async () => {
    const { Checkpoints } = await import("../../src/compress/checkpoint.ts");
    const { encodeMask, invertMask, loadMask } = await import("../../src/compress/prune/index.ts");
    const clear = Checkpoints.prototype.clear;
    const steps = [{ step: "mask", file: "changed.npz" }, quantize];
    writeFileSync(at("changed.npz"), readFileSync(at("m.npz")));
    Checkpoints.prototype.clear = () => undefined;
    const first = await build("k.epk", steps, ["--resume", at("reached")]);
    Checkpoints.prototype.clear = clear;
    writeFileSync(at("changed.npz"), encodeMask(invertMask(loadMask(at("m.npz")))));
    expect((await build("k.epk", steps, ["--resume", at("reached")])).equals(first)).toBe(false);
  });

  it("that nothing was removed by is not written, which is said", async () => {
    const { status, err } = await cli("build", MODEL, "-o", at("n.epk"), "--save-mask", at("none.npz"));
    expect([status, err]).toEqual([0, expect.stringContaining("no mask to save")]);
  });
});
