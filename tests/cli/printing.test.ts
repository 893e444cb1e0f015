import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { ConvField, GemmField, Op } from "../../assembly/shared/plan.ts";
import type { BuildReport } from "../../src/build.ts";
import { reportFailure } from "../../src/cli/failure.ts";
import { readRecords } from "../../src/cli/records.ts";
import { printReport } from "../../src/cli/report.ts";
import { bytes, count, digits, table } from "../../src/cli/table.ts";
import { colorsFor } from "../../src/cli/terminal.ts";
import { fileError } from "../../src/data/file-error.ts";
import { EdgepackError } from "../../src/errors.ts";
import type { LimitRow } from "../../src/targets/index.ts";
import { recorder } from "./terminal.ts";

describe("numbers for people", () => {
  it("have three digits and SI units", () => {
    expect([0, 999, 1000, 43978, 123456, 1094671, 98.7e6].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.00 kB",
      "44.0 kB",
      "123 kB",
      "1.09 MB",
      "98.7 MB",
    ]);
    expect([0, 9999, 10000, 12.5e6, 1.8e9].map(count)).toEqual(["0", "9999", "10.0 k", "12.5 M", "1.80 G"]);
    expect([0, 1 / 3, 1e-7, 1234567, Number.NaN].map((x) => digits(x))).toEqual(["0", "0.3333", "1e-7", "1235000", "NaN"]);
  });
});

describe("colours", () => {
  const red = (env: Record<string, string>, isTTY: boolean) => {
    const terminal = recorder(env, isTTY);
    return colorsFor(terminal, terminal.stderr).red("x") !== "x";
  };
  it("are for terminals, unless NO_COLOR or FORCE_COLOR says otherwise", () => {
    expect([red({}, true), red({}, false)]).toEqual([true, false]);
    expect([red({ NO_COLOR: "1" }, true), red({ NO_COLOR: "" }, true), red({ TERM: "dumb" }, true)]).toEqual([false, true, false]);
    expect([red({ FORCE_COLOR: "1" }, false), red({ FORCE_COLOR: "0" }, false), red({ FORCE_COLOR: "1", NO_COLOR: "1" }, false)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("reportFailure", () => {
  const fail = (error: unknown, env = {}) => {
    const terminal = recorder(env);
    return { status: reportFailure(terminal, error), ...terminal.printed };
  };
  it("prints an EdgepackError without a trace and gives its status", () => {
    expect(fail(new EdgepackError("DATA_INVALID", "a.npy: bad", ["one", "two"]))).toEqual({
      status: 1,
      out: "",
      err: "error: a.npy: bad\n  - one\n  - two\n",
    });
    expect(fail(new EdgepackError("USAGE", "no")).status).toBe(2);
  });
  it("asks to report what is a bug", () => {
    const { status, err } = fail(new TypeError("x is not a function"));
    expect(status).toBe(1);
    expect(err).toMatch(/^error: a bug in edgepack \(TypeError: x is not a function\); please report it[^\n]*\n$/);
  });
  it("prints a trace where EDGEPACK_DEBUG=1", () => {
    expect(fail(new EdgepackError("FILE", "no"), { EDGEPACK_DEBUG: "1" }).err).toMatch(/\n {4}at /);
  });
  it("gives wrong usage 2 and help 0", () => {
    expect(fail(new CommanderError(1, "commander.unknownOption", "")).status).toBe(2);
    expect(fail(new CommanderError(0, "commander.helpDisplayed", "")).status).toBe(0);
  });
});

describe("fileError", () => {
  it("turns failed system calls into FILE and leaves other errors alone", () => {
    expect(fileError(Object.assign(new Error("x"), { code: "ENOSPC" }), "a cannot be written")).toMatchObject({
      code: "FILE",
      message: "a cannot be written: the disk is full",
    });
    expect(fileError(Object.assign(new Error("odd"), { code: "EXDEV" }), "a")).toMatchObject({ message: "a: odd" });
    const bug = new TypeError("bug");
    expect(fileError(bug, "a")).toBe(bug);
  });
});

describe("readRecords", () => {
  const record = (op: Op, words: number, fields: Record<number, number>) => {
    const out = new Array<number>(words).fill(0);
    for (const [at, value] of Object.entries({ 0: op, 1: words, ...fields })) out[Number(at)] = value;
    return out;
  };
  const gemm = record(Op.qs8_gemm, 23, { [GemmField.batch]: 2, [GemmField.m]: 3, [GemmField.n]: 5, [GemmField.k]: 7, [GemmField.w]: 4096 });
  const conv = record(Op.f32_conv, 30, {
    [ConvField.batch]: 1,
    [ConvField.in_c]: 8,
    [ConvField.out_h]: 4,
    [ConvField.out_w]: 5,
    [ConvField.out_c]: 6,
    [ConvField.kernel_h]: 3,
    [ConvField.kernel_w]: 3,
    [ConvField.groups]: 2,
    [ConvField.w]: 8192,
  });
  it("names kernels and counts their MACs and weights", () => {
    const records = readRecords(Int32Array.from([...gemm, ...conv, ...record(Op.copy, 22, {}), Op.end]));
    expect(records).toEqual([
      { op: "qs8_gemm", macs: 210, weights: 35, w: 4096, output: "3×5 (2 times)" },
      { op: "f32_conv", macs: 4 * 5 * 6 * 9 * 4, weights: 6 * 9 * 4, w: 8192, output: "4×5×6" },
      { op: "copy", macs: 0, weights: 0, w: 0, output: "" },
    ]);
  });
  it("stops where words make no sense", () => {
    expect(readRecords(Int32Array.of(Op.copy, 0))).toEqual([]);
    expect(readRecords(Int32Array.of(Op.copy, 500))).toEqual([]);
  });
});

describe("table", () => {
  it("aligns columns and draws no lines", () => {
    const { stdout, stderr, env } = recorder();
    const colors = colorsFor({ stdout, stderr, env }, stdout);
    expect(
      table(
        colors,
        ["layer", ">bytes"],
        [
          ["conv1", "12 B"],
          ["fc", "1.20 kB"],
          ["x", undefined],
        ],
      ),
    ).toBe("layer    bytes\nconv1     12 B\nfc     1.20 kB\nx");
  });
});

describe("printReport", () => {
  const report: BuildReport = {
    model: "net",
    mode: "int8-static",
    sizes: { onnx: 100000, epk: 24000, weights: 22000, constants: 1000, plan: 500, meta: 400, container: 100 },
    layers: [
      { name: "conv1", op: "Conv", output: "f32[1,8,8,4]", macs: 9216, params: 36, zeros: 0, bytes: 40, bitsPerWeight: 6.5, sqnr: 38.25 },
    ],
    agreement: { samples: 256, source: "synthetic", top1: 0.9961, sqnr: 35.12, maxDiff: 0.0123456 },
    memory: { image: 30000, arena: 5000, lowerBound: 4800, total: 35000 },
    steps: [],
    warnings: [],
  };
  it("shows sizes, layers, agreement and its source, memory, a target's runtime and limits", () => {
    const terminal = recorder();
    const limits: LimitRow[] = [
      { limit: "size", value: 64e6, unit: "bytes", used: 1e5, ok: true, source: "the docs", date: "2026-11-24" },
      { limit: "start-up", value: 1000, unit: "ms", used: undefined, ok: undefined, source: "the docs", date: "2026-11-24" },
    ];
    printReport(terminal, report, limits, [{ path: "simd.wasm", bytes: 16500, brotli: 6400 }]);
    const { out } = terminal.printed;
    for (const wanted of [
      /^net {2}int8, static/,
      /\.epk +24\.0 kB +24\.0 %/,
      /conv1 +Conv +f32\[1,8,8,4\] +9216 +36 +40 B +6\.50 +38\.3/,
      /synthetic \(random\) inputs/,
      /same best class +99\.6 %/,
      /activations +5\.00 kB/,
      /simd\.wasm +16\.5 kB +6\.40 kB/,
      /size +64\.0 MB +100 kB +ok +the docs, 2026-11-24/,
      /start-up +1000 ms +measure there/,
    ])
      expect(out).toMatch(wanted);
  });
});
