import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { file, folder } from "../data/files.ts";
import { model, node, value } from "../onnx/model.ts";
import { cli, example } from "./program.ts";

const onnx = (...parts: Parameters<typeof model>) => file("model.onnx", model(...parts));

describe("check", () => {
  it("says what a model that can be built would need, of f32 and of int8", async () => {
    const { status, out, err } = await cli("check", example("dscnn.onnx"), "--json");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const report = JSON.parse(out);
    expect(report).toMatchObject({ runnable: true, problems: [], opset: 13, operators: { Conv: 9, Gemm: 1 } });
    expect(report.macs).toBe(JSON.parse((await cli("inspect", example("dscnn.onnx"), "--json")).out).macs);
    const { f32, int8 } = report.forms;
    expect(int8.bytes).toBeLessThan(f32.bytes / 2);
    expect(int8.memory.arena).toBeLessThan(f32.memory.arena / 2);
    expect(int8.ms).toBeLessThan(f32.ms);
    expect(report.targets.map((t: { target: string }) => t.target)).toEqual(["cloudflare", "deno", "web", "node"]);
    for (const { exceeded } of report.targets) expect(exceeded).toEqual({ f32: [], int8: [] });
  });

  it("prints the same for people", async () => {
    const { out } = await cli("check", example("dscnn.onnx"));
    expect(out).toMatch(/^torch_jit {2}ONNX, opset 13, .*: can be built\n/);
    expect(out).toMatch(/^cloudflare +a shared server core +[\d.]+ +[\d.]+ +within limits$/m);
  });

  it("lists what is not supported and what does not fit, all at once, and ends with 1", async () => {
    const unsupported = onnx({
      input: [value("x", [2, 3])],
      output: [value("y"), value("z")],
      node: [
        node("Bogus", "x", "b", {}, "first"),
        node("Relu", "b", "y"),
        node("Abs", "x", "a"),
        node("Concat", "a x", "z", { axis: 7 }, "join"),
      ],
    });
    const { status, out, err } = await cli("check", unsupported, "--json");
    expect(status).toBe(1);
    expect(err).toMatch(/error: .*model\.onnx cannot be built as it is/);
    const { runnable, problems } = JSON.parse(out);
    expect(runnable).toBe(false);
    expect(problems).toEqual([
      { where: "Bogus first (ai.onnx opset 17)", reason: "the operator is not supported" },
      { where: "Concat join", reason: expect.stringContaining("axis 7") },
    ]);
  });

  it("names unsupported operators and open shapes together", async () => {
    const open = onnx({ input: [value("x", [1, "n", "m"])], output: [value("y")], node: [node("Bogus", "x", "y")] });
    const { status, out } = await cli("check", open, "--json");
    expect(status).toBe(1);
    expect(JSON.parse(out).problems).toEqual([
      { where: "Bogus y (ai.onnx opset 17)", reason: "the operator is not supported" },
      { where: expect.stringMatching(/^x\[1,n,m\]/), reason: expect.stringMatching(/--shape x=/) },
    ]);
  });

  it("takes inputs that are fixed as constants", async () => {
    const clamp = onnx({
      input: [value("x", [2, 3]), value("by", [1], 7)],
      output: [value("y")],
      node: [node("Unsqueeze", "x by", "y")],
    });
    expect((await cli("check", clamp, "--json")).status).toBe(1);
    const { status, out } = await cli("check", clamp, "--fix", "by=0", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(out).inputs).toEqual([{ name: "x", type: "f32[2,3]" }]);
    const pack = join(folder({}), "m.epk");
    await cli("build", clamp, "--fix", "by=0", "--weights", "f32", "-o", pack);
    expect(JSON.parse((await cli("inspect", pack, "--json")).out).inputs).toEqual([{ name: "x", type: "f32[2,3]" }]);
  });

  it("says of what is no ONNX model that it is none", async () => {
    expect(await cli("check", file("m.onnx", "hello"))).toMatchObject({
      status: 1,
      out: "",
      err: expect.stringMatching(/not an ONNX model|damaged/),
    });
  });
});
