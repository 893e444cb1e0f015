import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { folder } from "../data/files.ts";
import { example } from "./program.ts";

const bin = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

/** The built command in a process of its own. */
function start(args: readonly string[], shell = 'exec "$@"') {
  const child = spawn("/bin/sh", ["-c", shell, "sh", process.execPath, bin, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const printed = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    printed.out += text;
  });
  child.stderr.on("data", (text) => {
    printed.err += text;
  });
  const ended = once(child, "close").then(([status, signal]) => ({ status, signal, ...printed }));
  return { child, ended };
}

describe("the built command", () => {
  it("ends with 0, 1 or 2, results on stdout and errors on stderr", async () => {
    const [done, failed, wrong] = await Promise.all(
      [["inspect", example("dscnn.onnx"), "--json"], ["inspect", "/no/model"], ["inpsect"]].map((args) => start(args).ended),
    );
    expect(done).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse(done.out).kind).toBe("onnx");
    expect(failed).toMatchObject({ status: 1, out: "", err: expect.stringMatching(/^error: [^\n]*\n$/) });
    expect(wrong).toMatchObject({ status: 2, out: "", err: expect.stringMatching(/Did you mean inspect/) });
  });
  it("ends with 0 where the reader of its output has seen enough", async () => {
    const { child, ended } = start(["inspect", example("resnet20.onnx"), "--json"]);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ status: 0, err: "" });
  });
  it("leaves nothing where the output does not fit", async () => {
    const out = folder({});
    const { ended } = start(["build", example("dscnn.onnx"), "--weights", "f32", "-o", join(out, "m.epk")], 'ulimit -f 8; exec "$@"');
    expect(await ended).toMatchObject({ status: 1, err: expect.stringMatching(/m\.epk cannot be written/) });
    expect(readdirSync(out)).toEqual([]);
  });
  it.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)("leaves nothing where it is stopped by %s", async (signal) => {
    const out = folder({});
    const { child, ended } = start(["build", example("resnet20.onnx"), "--calibration", example("slice"), "-o", join(out, "m.epk")]);
    setTimeout(() => child.kill(signal), 400);
    expect(await ended).toMatchObject({ signal });
    expect(readdirSync(out)).toEqual([]);
  });
});
