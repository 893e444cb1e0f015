import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { file, folder } from "../data/files.ts";
import { cli, example } from "./program.ts";

const dscnn = example("dscnn.onnx");
const COMMANDS = ["check", "build", "run", "eval", "export", "inspect", "compare", "sensitivity", "bench"];

describe("help", () => {
  it("lists all commands on stdout and ends with 0", async () => {
    const { status, out, err } = await cli("--help");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
  });
  it.each(COMMANDS)("of %s has an example", async (command) => {
    const { status, out } = await cli(command, "--help");
    expect(status).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\n {2}\\$ edgepack ${command} `));
  });
  it("is printed on stderr, as wrong usage, where no command is given", async () => {
    const { status, out, err } = await cli();
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(/Usage: edgepack/);
  });
  it("prints the version", async () => {
    expect(await cli("--version")).toMatchObject({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("wrong usage ends with 2 and says what is meant", () => {
  it.each([
    ["a mistyped command", ["biuld", "m.onnx"], /Did you mean build\?/],
    ["a mistyped option", ["build", "m.onnx", "--calibraton", "x"], /Did you mean --calibration\?/],
    ["a mistyped value", ["build", "m.onnx", "--target", "clodflare"], /Did you mean cloudflare\?/],
    ["no model", ["build"], /Name the model/],
    ["one argument too many", ["inspect", "a.onnx", "b.onnx"], /too many arguments/],
    ["one model to compare", ["compare", "a.epk"], /two models at least/],
    ["no examples", ["sensitivity", "m.onnx"], /required option '--calibration <path>'/],
    ["shares that fall", ["sensitivity", "m.onnx", "--calibration", "x", "--from", "0.7", "--to", "0.3"], /shares rise/],
    ["half bits", ["sensitivity", "m.onnx", "--calibration", "x", "--by", "bits", "--from", "7.5"], /bits are whole/],
    ["steps of bits", ["sensitivity", "m.onnx", "--calibration", "x", "--by", "bits", "--steps", "3"], /each number is measured/],
    ["a report that is neither page nor JSON", ["build", dscnn, "--report", "r.pdf"], /name it \.html or \.json/],
    ["no data", ["eval", "m.epk"], /required option '--data <path>'/],
    ["a seed that is no number", ["build", "m.onnx", "--seed", "x"], /It must be a number/],
    ["a count of 0", ["build", "m.onnx", "--calibration-count", "0"], /whole number from 1/],
    ["a coding that there is not", ["build", "m.onnx", "--coding", "tiny"], /fast, balanced, smallest/],
    ["a percentile above 100", ["build", "m.onnx", "--percentile", "101"], /at most 100/],
    ["a std of 0", ["build", "m.onnx", "--std", "0"], /above 0/],
    ["an input fixed to no number", ["check", "m.onnx", "--fix", "sr=high"], /It must be a number/],
    ["a shape without a name", ["build", "m.onnx", "--shape", "1,3,8,8"], /image=1,3,224,224/],
    ["a shape of an input that is not there", ["build", dscnn, "--shape", "imge=1,1,28,28"], /no input imge/],
    ["means for another number of channels", ["build", dscnn, "--mean", "1,2,3"], /--mean has 3 numbers/],
  ])("%s", async (_, args, reason) => {
    const { status, out, err } = await cli(...args);
    expect(err).toMatch(reason);
    expect({ status, out }).toEqual({ status: 2, out: "" });
  });
});

describe("what cannot be done ends with 1", () => {
  const png = file.bind(null, "a.png");
  it.each([
    ["a model that is not there", () => ["build", join(folder({}), "gone.onnx")], /gone\.onnx cannot be read: no such file or folder$/m],
    ["a model that is a folder", () => ["inspect", folder({})], /cannot be read: it is a folder$/m],
    ["a model that is no ONNX", () => ["build", file("m.onnx", "hello"), "-o", join(folder({}), "m.epk")], /plain text.*\.onnx/],
    ["an empty model", () => ["inspect", file("m.onnx", "")], /empty/],
    [
      "calibration data that are not there",
      () => ["build", dscnn, "--calibration", "/no/such/folder", "-o", join(folder({}), "m.epk")],
      /does not exist/,
    ],
    [
      "an image that is no image",
      () => ["build", dscnn, "--calibration", png("no"), "-o", join(folder({}), "m.epk")],
      /a\.png: not a kind of data/,
    ],
    [
      "labels that are not there",
      () => ["build", dscnn, "--labels", "/no/labels.txt", "-o", join(folder({}), "m.epk")],
      /labels\.txt cannot be read/,
    ],
    ["an output that is something else", () => ["build", dscnn, "-o", file("a.txt", "mine")], /--force/],
    ["an output folder that others filled", () => ["build", dscnn, "--target", "node", "-o", folder({ "a.txt": "mine" })], /--force/],
    ["an output in a folder that is not there", () => ["build", dscnn, "-o", join(folder({}), "no/m.epk")], /does not exist/],
  ])("%s", async (_, args, reason) => {
    const { status, out, err } = await cli(...args());
    expect(err).toMatch(reason);
    expect(err).toMatch(/^error: /m);
    expect({ status, out }).toEqual({ status: 1, out: "" });
  });
});

describe("inspect of an ONNX model", () => {
  it("counts operators, parameters and multiply-accumulates", async () => {
    const { status, out, err } = await cli("inspect", dscnn, "--json");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const model = JSON.parse(out);
    expect(model).toMatchObject({
      kind: "onnx",
      opset: 13,
      producer: expect.stringMatching(/pytorch/),
      inputs: [{ type: "f32[1,1,28,28]" }],
      outputs: [{ type: "f32[1,10]" }],
    });
    expect(model.operators.Conv).toBeGreaterThan(5);
    expect(model.params).toBe(model.layers.reduce((sum: number, l: { params: number }) => sum + l.params, 0));
    const first = model.layers.find((l: { op: string }) => l.op === "Conv");
    expect(first.macs).toBeGreaterThan(first.params);
  });
  it("prints a table", async () => {
    const { out } = await cli("inspect", dscnn);
    expect(out).toMatch(/opset 13.*\ninputs .*f32\[1,1,28,28\]\noutputs .*\noperators .*Conv \d+.*\ntotals .*parameters/);
    expect(out).toMatch(/layer +op +output +MACs +parameters/);
  });
});
