import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, grayPng, npy } from "../data/files.ts";
import { cli, example } from "./program.ts";

const MODEL = [example("dscnn.onnx"), "--mean", "0.2860", "--std", "0.3530"];
const slice = example("slice");
const work = mkdtempSync(join(tmpdir(), "edgepack-cli-data-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const f32 = join(work, "f32.epk");
beforeAll(async () => {
  await cli("build", ...MODEL, "--weights", "f32", "-o", f32);
});

describe("eval --split", () => {
  const evaluate = async (...args: string[]) => {
    const { status, out, err } = await cli("eval", f32, "--data", slice, "--json", "--per-class", ...args);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    return JSON.parse(out);
  };

  it("takes the part asked for, the test part without a word, of the training half", async () => {
    const parts = ["train", "validation", "test"].map((part) => evaluate("--split", "0.5,0.25,0.25", "--part", part));
    const [train, validation, test] = await Promise.all(parts);
    expect([train.count, validation.count, test.count]).toEqual([256, 128, 128]);
    for (const { count } of test.classes) expect([12, 13, 14]).toContain(count);
    expect((await evaluate("--split", "0.5,0.25,0.25")).correct).toBe(test.correct);
  });
  it("takes a half of the source without a split", async () => {
    expect((await evaluate("--part", "train")).count).toBe(512);
  });
  it.each([
    ["shares that do not sum to 1", ["--split", "0.5,0.1,0.1"], /sum to 1/],
    ["a validation part without a split", ["--part", "validation"], /give its shares/],
    ["a crop without cover", ["--crop", "0.9"], /--resize cover/],
  ])("refuses %s", async (_, args, reason) => {
    const { status, err } = await cli("eval", f32, "--data", slice, ...args);
    expect([status, err]).toEqual([2, expect.stringMatching(reason)]);
  });
});

describe("--skip-bad", () => {
  const images = () =>
    folder({
      "1/a.png": grayPng(9, 9, 1),
      "1/b.png": grayPng(9, 9, 1),
      "2/c.png": grayPng(9, 9, 2).subarray(0, 50),
      "2/d.png": "none",
      "12/e.png": grayPng(9, 9, 3),
    });

  it("evaluates without bad items, which it counts and names", async () => {
    const { status, out, err } = await cli("eval", f32, "--data", images(), "--skip-bad", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ count: 1, found: { unreadable: 2, "not finite": 0, "bad label": 1, duplicate: 1 } });
    expect(err).toMatch(/left out 2 unreadable, 1 bad label, 1 duplicate\n/);
    for (const name of [/c\.png/, /d\.png/, /label 12/, /same as item/]) expect(err).toMatch(name);
  });
  it("builds without them", async () => {
    const out = join(work, "clean.epk");
    const { status, err } = await cli("build", ...MODEL, "--calibration", images(), "--skip-bad", "-o", out);
    expect([status, err]).toEqual([0, expect.stringMatching(/left out 2 unreadable, 1 duplicate\n/)]);
  });
  it("is not the default: duplicates are used, and said", async () => {
    const twice = folder({ "1/a.png": grayPng(9, 9, 1), "1/b.png": grayPng(9, 9, 1) });
    const { status, out, err } = await cli("eval", f32, "--data", twice, "--json");
    expect([status, JSON.parse(out).count, err]).toEqual([0, 2, expect.stringMatching(/1 duplicate, used all the same; --skip-bad/)]);
  });
  it("with nothing good left is an error", async () => {
    const { status, err } = await cli("eval", f32, "--data", folder({ "1/a.png": grayPng(9, 9, 1).subarray(0, 50) }), "--skip-bad");
    expect([status, err]).toEqual([1, expect.stringMatching(/no item is good/)]);
  });
  it("without it, NaN in the data is an error that names the item", async () => {
    const path = join(folder({ "a.npy": npy("<f4", [2, 1, 28, 28], new Float32Array(1568).fill(Number.NaN, 1000)) }), "a.npy");
    const raw = join(work, "raw.epk");
    const { status, err } = await cli("build", MODEL[0], "--calibration", path, "-o", raw);
    expect([status, err]).toEqual([1, expect.stringMatching(/item 1: input .* is NaN at 216/)]);
    expect(existsSync(raw)).toBe(false);
  });
});

describe("build by a configuration", () => {
  const buildBy = (config: object) => {
    const path = join(work, "config.json");
    writeFileSync(path, JSON.stringify({ model: MODEL[0], out: "c.epk", mean: [0.286], std: [0.353], calibrationCount: 16, ...config }));
    return cli("build", "--config", path, "--json");
  };
  const augment = { copies: 2, flip: true, crop: 2, noise: 0.02 };
  const steps = [{ step: "search", maxDrop: 50 }];

  it("calibrates on augmented items and judges on those of the split that were left as they are", async () => {
    const { status, out } = await buildBy({ calibration: slice, split: [0.5, 0.25, 0.25], augment, validationCount: 40, steps });
    expect(status).toBe(0);
    expect(JSON.parse(out).mode).toBe("int8-static");
  });
  it.each([
    ["augmentation with nothing to judge on", { calibration: slice, augment }, /give validation or split/],
    ["a split without data", { split: [0.5, 0.25, 0.25] }, /--calibration/],
    ["a split beside validation data", { calibration: slice, validation: slice, split: [0.5, 0.25, 0.25] }, /or --validation out/],
    ["shares that do not sum to 1", { calibration: slice, split: [0.5, 0.1, 0.1] }, /split: the shares must sum to 1/],
    ["an unknown change", { calibration: slice, augment: { flop: true } }, /augment\.flop: .*did you mean flip/],
    [
      "changes that do not fit the data",
      { calibration: slice, split: [0.5, 0.25, 0.25], augment: { gain: 3 } },
      /gain cannot be done to images/,
    ],
  ])("refuses %s", async (_, config, reason) => {
    const { status, err } = await buildBy(config);
    expect(err).toMatch(reason);
    expect(status).toBe(2);
  });
});
