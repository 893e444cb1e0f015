import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { file, folder, grayPng, npy } from "../data/files.ts";
import { cli, example } from "./program.ts";

const MODEL = [example("dscnn.onnx"), "--mean", "0.2860", "--std", "0.3530", "--labels", example("labels.txt")];
const slice = example("slice");
const boot = example("images/ankle-boot.png");

const work = mkdtempSync(join(tmpdir(), "edgepack-cli-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const f32 = join(work, "f32.epk");
const int8 = join(work, "int8.epk");

let f32Build: Awaited<ReturnType<typeof cli>>;
let int8Build: Awaited<ReturnType<typeof cli>>;
beforeAll(async () => {
  f32Build = await cli("build", ...MODEL, "--weights", "f32", "-o", f32, "--json");
  int8Build = await cli("build", ...MODEL, "--calibration", slice, "--calibration-count", "64", "-o", int8);
});

describe("build", () => {
  it("writes a pack and prints its report as JSON on stdout, and nothing else there", () => {
    expect(f32Build.status).toBe(0);
    const report = JSON.parse(f32Build.out);
    expect(report).toMatchObject({
      output: f32,
      model: "dscnn",
      mode: "f32",
      sizes: { onnx: statSync(MODEL[0]).size, epk: statSync(f32).size },
    });
    expect(f32Build.err).toMatch(/wrote .*f32\.epk/);
  });
  it("quantizes by calibration data and prints its report as tables", () => {
    expect(int8Build.status).toBe(0);
    expect(int8Build.out).toMatch(/^dscnn {2}int8, static activations\n\nSize\n/);
    expect(int8Build.out).toMatch(/Agreement with f32 on \d+ calibration inputs\n/);
    expect(statSync(int8).size).toBeLessThan(statSync(f32).size / 2);
  });
  it("gives the same bytes for the same seed", async () => {
    const again = join(work, "again.epk");
    await cli("build", ...MODEL, "--calibration", slice, "--calibration-count", "64", "-o", again);
    expect(readFileSync(again).equals(readFileSync(int8))).toBe(true);
  });
  it("overwrites a pack without asking", async () => {
    expect((await cli("build", ...MODEL, "--weights", "f32", "-o", f32)).status).toBe(0);
  });
  it("warns where images meet a model without mean and std, here and in run and eval", async () => {
    const raw = join(work, "raw.epk");
    const warned = /^warning: the model was built without --mean and --std/;
    expect((await cli("build", MODEL[0], "--calibration", slice, "--calibration-count", "4", "-o", raw)).err).toMatch(warned);
    expect((await cli("run", raw, boot)).err).toMatch(warned);
    expect((await cli("eval", raw, "--data", slice, "--count", "1")).err).toMatch(warned);
  });
  it("leaves no output where the model cannot be built", async () => {
    const cut = file("cut.onnx", readFileSync(MODEL[0]).subarray(0, 30000));
    const out = folder({});
    expect((await cli("build", cut, "-o", join(out, "m.epk"))).status).toBe(1);
    expect(readdirSync(out)).toEqual([]);
  });
  it("writes a folder for a target with its limits, and a second time over it", async () => {
    const out = join(work, "node");
    const { status, out: json } = await cli("build", ...MODEL, "--weights", "f32", "--target", "node", "-o", out, "--json");
    expect(status).toBe(0);
    expect(JSON.parse(json)).toMatchObject({ target: "node", limits: [{ ok: true }] });
    writeFileSync(join(out, "mine.txt"), "mine");
    expect((await cli("build", ...MODEL, "--weights", "f32", "--target", "node", "-o", out)).status).toBe(0);
    expect(existsSync(join(out, "mine.txt"))).toBe(true);
  });
});

describe("export", () => {
  const out = join(work, "dscnn.int8.onnx");
  it("writes ONNX that builds as it is, to the integers of the pack", async () => {
    const exported = await cli("export", ...MODEL, "--calibration", slice, "--calibration-count", "64", "-o", out, "--json");
    expect(exported.status).toBe(0);
    expect(JSON.parse(exported.out)).toEqual({ output: out, mode: "int8-static", bytes: statSync(out).size });
    const again = join(work, "again-from-export.epk");
    const built = await cli("build", out, ...MODEL.slice(1), "-o", again, "--json");
    expect(JSON.parse(built.out)).toMatchObject({ mode: "int8-given" });
    const [wanted, actual] = [await cli("run", int8, boot, "--json"), await cli("run", again, boot, "--json")];
    expect(actual.out).toBe(wanted.out);
  });
  it("overwrites nothing unless forced", async () => {
    const { status, err } = await cli("export", ...MODEL, "-o", out);
    expect(status).not.toBe(0);
    expect(err).toMatch(/--force/);
  });
});

describe("run", () => {
  it("names the best classes of an image", async () => {
    const { status, out, err } = await cli("run", int8, boot, "--top", "3");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^logits {2}f32\[1,10\]\nclass +label +score\n +9 +Ankle boot +\d/);
    expect(out.trimEnd().split("\n")).toHaveLength(5);
  });
  it("prints all values as JSON, the same from the pack and from the .onnx, which it says it builds", async () => {
    const [fromPack, fromOnnx] = [await cli("run", f32, boot, "--json"), await cli("run", ...MODEL, boot, "--json")];
    expect(JSON.parse(fromPack.out).outputs[0].values).toHaveLength(10);
    expect(fromOnnx.out).toBe(fromPack.out);
    expect(fromOnnx.err).toMatch(/building it in memory/);
  });
  it("takes an item of a dataset, and values as .npy", async () => {
    const ofSlice = await cli("run", f32, slice, "--item", "0", "--json");
    expect(ofSlice.out).toBe((await cli("run", f32, boot, "--json")).out);
    const zeros = file("x.npy", npy("<f4", [1, 1, 28, 28], new Float32Array(784)));
    expect((await cli("run", f32, zeros)).status).toBe(0);
  });
  it.each([
    ["options that a pack has built in", () => [f32, boot, "--mean", "0.5"], 2, /--mean: .* is a pack/],
    ["an item that is not there", () => [f32, slice, "--item", "1000"], 2, /1000 images/],
    ["an input of another shape", () => [f32, file("x.npy", npy("<f4", [1, 5], new Float32Array(5)))], 1, /\[1,5\].*\[1,1,28,28\]/],
    [
      "arrays for other inputs",
      () => [f32, file("x.npz", zipSync({ "a.npy": npy("<f4", [1], new Float32Array(1)), "b.npy": npy("<f4", [1], new Float32Array(1)) }))],
      1,
      /no array for input image/,
    ],
    ["an image that is damaged", () => [f32, file("a.png", grayPng(28, 28, 1).subarray(0, 60))], 1, /a\.png/],
    ["a pack cut off", () => [file("cut.epk", readFileSync(f32).subarray(0, 20000)), boot], 1, /\.epk/],
  ])("refuses %s", async (_, args, wanted, reason) => {
    const { status, out, err } = await cli("run", ...args());
    expect(err).toMatch(reason);
    expect({ status, out }).toEqual({ status: wanted, out: "" });
  });
});

describe("eval", () => {
  it("measures accuracy on the test part, as JSON", async () => {
    const { status, out, err } = await cli("eval", f32, "--data", slice, "--per-class", "--json");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const result = JSON.parse(out);
    expect(result.count).toBe(1000);
    expect(result.top1).toBe(result.correct / 10);
    expect(result.top1).toBeGreaterThan(87);
    expect(result.top5).toBeGreaterThan(result.top1);
    expect(result.classes).toHaveLength(10);
    expect(result.classes[9]).toMatchObject({ class: 9, label: "Ankle boot" });
    expect(result.classes.reduce((sum: number, c: { count: number }) => sum + c.count, 0)).toBe(1000);
  });
  it("loses little by int8, on items that a seed chooses", async () => {
    const top1 = async (pack: string) => JSON.parse((await cli("eval", pack, "--data", slice, "--count", "300", "--json")).out).top1;
    expect(Math.abs((await top1(f32)) - (await top1(int8)))).toBeLessThanOrEqual(2);
  });
  it("prints the same for people", async () => {
    expect((await cli("eval", f32, "--data", slice, "--count", "50")).out).toMatch(
      /^top-1 {2}[\d.]+ % {2}\(\d+ of 50\)\ntop-5 {2}[\d.]+ %\nmedian [\d.e-]+ ms an inference\n$/,
    );
  });
  it.each([
    ["data without labels", () => ["--data", boot], 1, /no labels/],
    [
      "a class that the model has not",
      () => ["--data", folder({ "3/a.png": grayPng(28, 28, 1), "12/a.png": grayPng(28, 28, 1) })],
      1,
      /label 12.*classes 0 to 9/,
    ],
    ["an output that is not there", () => ["--data", slice, "--output", "probs"], 2, /outputs are logits/],
    [
      "several damaged images, all named",
      () => ["--data", folder({ "1/a.png": grayPng(9, 9, 1).subarray(0, 50), "2/b.png": grayPng(9, 9, 1).subarray(0, 50) })],
      1,
      /a\.png.*\n.*b\.png/,
    ],
  ])("refuses %s", async (_, args, wanted, reason) => {
    const { status, out, err } = await cli("eval", f32, ...args());
    expect(err).toMatch(reason);
    expect({ status, out }).toEqual({ status: wanted, out: "" });
  });
});

describe("inspect of a pack", () => {
  it("shows ports, preprocessing, kernels, weights and memory", async () => {
    const pack = JSON.parse((await cli("inspect", int8, "--json")).out);
    expect(pack).toMatchObject({
      kind: "epk",
      name: "dscnn",
      labels: 10,
      inputs: [{ name: "image", type: "f32[1,1,28,28]", preprocess: { mean: [0.286] } }],
    });
    expect(Object.keys(pack.kernels).some((kernel) => kernel.startsWith("qs8_"))).toBe(true);
    for (const layer of pack.layers) expect(layer.bitsPerWeight).toBeLessThan(12);
    expect(pack.sizes.weights + pack.sizes.plan + pack.sizes.meta).toBeLessThan(pack.bytes);
  });
  it("counts the MACs of the model it was made of", async () => {
    const pack = JSON.parse((await cli("inspect", f32, "--json")).out);
    expect(pack.macs).toBe(JSON.parse((await cli("inspect", MODEL[0], "--json")).out).macs);
  });
  it("prints a table, and refuses a damaged pack", async () => {
    expect((await cli("inspect", int8)).out).toMatch(/kernel +output +MACs +weights +bytes +bits\/weight/);
    const bytes = Uint8Array.from(readFileSync(int8));
    bytes[bytes.length >> 1] ^= 1;
    expect(await cli("inspect", file("bad.epk", bytes))).toMatchObject({
      status: 1,
      out: "",
      err: expect.stringMatching(/error: .*damaged/),
    });
  });
});
