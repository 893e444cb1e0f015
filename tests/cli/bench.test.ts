import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measure, quartiles } from "../../src/cli/measure.ts";
import { peerOf } from "../../src/cli/onnxruntime-peer.ts";
import { measurePeak } from "../../src/profile/peak.ts";
import { cli, example } from "./program.ts";

const work = mkdtempSync(join(tmpdir(), "edgepack-bench-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const pack = join(work, "dscnn.epk");

describe("bench", () => {
  let profiled: ReturnType<typeof JSON.parse>;
  beforeAll(async () => {
    await cli("build", example("dscnn.onnx"), "--weights", "f32", "-o", pack);
    profiled = JSON.parse((await cli("bench", pack, "--quick", "--profile", "--json")).out);
  }, 60_000);

  it("measures a pack warm and in fresh processes, with its memory and every target's limits", () => {
    const [{ form, ms, q1, q3, cpu, coldStart, memory, limits }] = profiled.forms;
    expect(profiled.forms).toHaveLength(1);
    expect(form).toBe("pack");
    expect(q1).toBeGreaterThan(0);
    expect(ms).toBeGreaterThanOrEqual(q1);
    expect(q3).toBeGreaterThanOrEqual(ms);
    for (const key of ["load", "first", "cpu", "rss"]) expect(coldStart[key]).toBeGreaterThan(0);
    expect(memory.bytes).toBeGreaterThan(memory.arena);
    expect(new Set(limits.map(({ target }: { target: string }) => target))).toEqual(new Set(["cloudflare", "deno", "web", "node"]));
    expect(limits.find(({ limit }: { limit: string }) => limit === "CPU time a request, Free")).toMatchObject({ used: cpu, ok: true });
  });

  it("profiles record by record, the longest first, against the machine's peak", () => {
    const { layers, sum, peak } = profiled.forms[0].profile;
    const times = layers.map(({ ms }: { ms: number }) => ms);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(times.reduce((a: number, b: number) => a + b, 0)).toBeCloseTo(sum, 6);
    const products = layers.filter(({ macs }: { macs: number }) => macs > 0);
    expect(products.length).toBe(10);
    for (const { macs, ms, gmacs, ofPeak } of products) {
      if (ms === 0) continue;
      expect(gmacs).toBeCloseTo(macs / ms / 1e6, 6);
      expect(ofPeak).toBeCloseTo(gmacs / peak.f32, 6);
    }
  });

  it("measures an ONNX model in f32 and int8, and names the layers of its profile", async () => {
    const { status, out } = await cli("bench", example("dscnn.onnx"), "--quick", "--profile");
    expect(status).toBe(0);
    expect(out).toMatch(/\nf32 +[\d.]+ +[\d.]+ to [\d.]+ +[\d.]+ +\d+\nint8 +/);
    expect(out).toMatch(/\nProfile of int8\nlayer +kernel +output/);
    expect(out).toMatch(/\n\/f\/f\.4\/f\.4\.0\/Conv +qs8_gemm/);
    expect(out).toMatch(/peak [\d.]+ GMAC\/s int8/);
  }, 60_000);

  it("refuses options of a build where a pack is given", async () => {
    const { status, err } = await cli("bench", pack, "--mean", "0.5");
    expect(status).toBe(2);
    expect(err).toMatch(/--mean: .* is a pack/);
  });
});

describe("onnxruntime-web beside it", () => {
  it("is what the folder has installed, or nothing", async () => {
    expect(await peerOf(join(work, "empty"))).toBeUndefined();
    const folder = join(work, "node_modules/onnxruntime-web");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "onnxruntime-web", type: "module", main: "index.js" }));
    writeFileSync(
      join(folder, "index.js"),
      `export const env = { wasm: {}, versions: { common: "9.9" } };
      export class Tensor { constructor(type, data) { Object.assign(this, { type, data }); } }
      export const InferenceSession = { create: async () => ({
        inputMetadata: [{ name: "x", type: "int64" }],
        run: async ({ x }) => { if (!(x.data instanceof BigInt64Array)) throw new Error("no int64"); return { y: x }; },
      }) };`,
    );
    const peer = await peerOf(work);
    expect(peer?.version).toBe("9.9");
    const run = await peer!.session(new Uint8Array(), [{ name: "x", shape: [2] }], { x: Int32Array.of(1, 2) });
    expect(await run()).toMatchObject({ y: { data: BigInt64Array.of(1n, 2n) } });
  });
});

describe("measurement", () => {
  it("calls every contender in turn, waiting for those that give promises", async () => {
    const calls: string[] = [];
    let waiting = 0;
    const times = await measure(
      {
        a: () => calls.push("a"),
        b: async () => {
          expect(++waiting).toBe(1);
          await Promise.resolve();
          waiting--;
          calls.push("b");
        },
      },
      { warmMs: 2, rounds: 3, roundMs: 0 },
    );
    expect(calls.slice(-6).join("")).toBe("ababab");
    expect(Object.keys(times)).toEqual(["a", "b"]);
    expect(times.a.cpu).toBeGreaterThan(0);
  });

  it("gives median and quartiles", () => {
    expect(quartiles([5, 1, 4, 2, 3])).toEqual({ ms: 3, q1: 2, q3: 4 });
  });

  it("the peak of integers and of floats are rates", async () => {
    const { int8, f32 } = await measurePeak(20);
    expect(int8).toBeGreaterThan(0.1);
    expect(f32).toBeGreaterThan(0.1);
  });
});
