import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { FileField } from "../../assembly/shared/container.ts";
import { ABI_VERSION } from "../../assembly/shared/plan.ts";
import { writeEpk } from "../../src/format/index.ts";
import { xxh32 } from "../../src/format/xxh32.ts";
import { load, type WasmSource } from "../../src/run/index.ts";
import { clipPack } from "../format/sample.ts";
import { moduleOf } from "../format/wasm.ts";

const epk = writeEpk(clipPack());
const simd = moduleOf("simd");
const answer = { y: Float32Array.of(-1, -0.5, 0, 0.25, 1, 1, 1, 1) };
const x = Float32Array.of(-3, -0.5, 0, 0.25, 1, 2, 3, 4);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edgepack-"));
  await writeFile(join(folder, "model.epk"), epk);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllGlobals());

const failure = (code: string, text: RegExp) =>
  expect.objectContaining({ name: "EdgepackError", code, message: expect.stringMatching(text) });
const server = (reply: () => Response) => vi.stubGlobal("fetch", async () => reply());

describe("what a model is read from", () => {
  const path = () => join(folder, "model.epk");
  it.each<[string, () => Parameters<typeof load>[0]]>([
    ["an ArrayBuffer", () => epk.slice().buffer],
    ["a typed array in the midst of its buffer", () => new Uint8Array([9, 9, 9, ...epk, 9]).subarray(3, 3 + epk.length)],
    ["a Response", () => new Response(epk.slice())],
    ["the promise of a Response", () => Promise.resolve(new Response(epk.slice()))],
    ["a file: URL", () => pathToFileURL(path())],
    ["a file: URL as text", () => pathToFileURL(path()).href],
    ["a path", path],
  ])("%s", async (_, source) => {
    const model = await load(source(), { wasm: simd });
    expect(model.run({ x })).toEqual(answer);
  });

  it("a URL that is fetched", async () => {
    server(() => new Response(epk.slice()));
    expect((await load("https://models.test/clip.epk", { wasm: simd })).run({ x })).toEqual(answer);
  });

  it("an answer that is no success: FILE, with status and address", async () => {
    server(() => Object.defineProperty(new Response("no", { status: 404 }), "url", { value: "https://models.test/a.epk" }));
    await expect(load("https://models.test/a.epk", { wasm: simd })).rejects.toThrow(
      failure("FILE", /https:\/\/models\.test\/a\.epk answered 404/),
    );
  });

  it("a Response that was made and not fetched has no address to tell", async () => {
    await expect(load(new Response("no", { status: 404 }), { wasm: simd })).rejects.toThrow(failure("FILE", /^The server answered 404/));
  });

  it("a file that is missing: FILE, with its path", async () => {
    await expect(load(join(folder, "none.epk"), { wasm: simd })).rejects.toThrow(failure("FILE", /none\.epk/));
  });

  it("anything else: FILE", async () => {
    await expect(load(7 as unknown as string, { wasm: simd })).rejects.toThrow(failure("FILE", /Number/));
    await expect(load(undefined as unknown as string, { wasm: simd })).rejects.toThrow(failure("FILE", /Undefined/));
    await expect(load(null as unknown as string, { wasm: simd })).rejects.toThrow(failure("FILE", /Null/));
  });
});

describe("what the kernels are taken from", () => {
  const bytes = (build: "simd" | "scalar") => new URL(`../../dist/${build}.wasm`, import.meta.url);
  it.each<[string, () => WasmSource | undefined]>([
    ["nothing given: the build that fits", () => undefined],
    ["a module", () => simd],
    ["the scalar module", () => moduleOf("scalar")],
    ["a URL", () => bytes("simd")],
    ["the promise of a module", () => Promise.resolve(simd)],
    ["both builds", () => ({ simd: bytes("simd"), scalar: bytes("scalar") })],
  ])("%s", async (_, wasm) => {
    expect((await load(epk, { wasm: wasm() })).run({ x })).toEqual(answer);
  });

  it("both builds: the scalar one where the engine refuses SIMD", async () => {
    vi.spyOn(WebAssembly, "validate").mockReturnValueOnce(false);
    const model = await load(epk, { wasm: { simd: "none.wasm", scalar: moduleOf("scalar") } });
    expect(model.run({ x })).toEqual(answer);
  });

  it.each<[string, () => number, boolean]>([
    ["rounds a product and its sum once", () => 2 ** -11 + 2 ** -24, true],
    ["rounds a product and its sum twice", () => 2 ** -11, true],
    ["gets a product and its sum wrong", () => 2 ** -10, false],
  ])("three builds: an engine with relaxed SIMD that %s", async (_, f, relaxed) => {
    const probe = { instance: { exports: { f } } } as unknown as WebAssembly.Instance;
    vi.spyOn(WebAssembly, "instantiate").mockResolvedValueOnce(probe);
    const builds = { relaxed: "none.wasm", simd: "none.wasm", scalar: "none.wasm", [relaxed ? "relaxed" : "simd"]: simd };
    expect((await load(epk, { wasm: builds })).run({ x })).toEqual(answer);
  });

  it("three builds: the one with SIMD where the engine refuses relaxed SIMD", async () => {
    vi.spyOn(WebAssembly, "instantiate").mockRejectedValueOnce(new WebAssembly.CompileError("invalid opcode"));
    expect((await load(epk, { wasm: { relaxed: "none.wasm", simd, scalar: "none.wasm" } })).run({ x })).toEqual(answer);
  });

  it("an engine without WebAssembly: WASM_UNAVAILABLE", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    await expect(load(epk)).rejects.toThrow(failure("WASM_UNAVAILABLE", /no WebAssembly/));
  });

  it("an engine that refuses to compile bytes: WASM_UNAVAILABLE, and what to do in Workers and under a CSP", async () => {
    vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(new WebAssembly.CompileError("Wasm code generation disallowed by embedder"));
    await expect(load(epk)).rejects.toThrow(
      failure("WASM_UNAVAILABLE", /disallowed by embedder[\s\S]*import the \.wasm[\s\S]*wasm-unsafe-eval/),
    );
  });

  it("bytes that are no module, or a module of something else: WASM_UNAVAILABLE", async () => {
    await expect(load(epk, { wasm: new Uint8Array(8) })).rejects.toThrow(failure("WASM_UNAVAILABLE", /./));
    await expect(load(epk, { wasm: Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) })).rejects.toThrow(failure("WASM_UNAVAILABLE", /abi/));
  });

  it("a promise of nothing: FILE", async () => {
    for (const nothing of [null, undefined])
      await expect(load(epk, { wasm: Promise.resolve(nothing) as unknown as WasmSource })).rejects.toThrow(failure("FILE", /give bytes/));
  });

  it("a module of another ABI: EPK_VERSION", async () => {
    // (module (func (export "abi") (result i32) (i32.const 42)))
    const other = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 98, 105, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11,
    ];
    await expect(load(epk, { wasm: Uint8Array.from(other) })).rejects.toThrow(failure("EPK_VERSION", /ABI 42/));
  });
});

describe("a damaged model", () => {
  it("is EPK_INVALID with any one bit flipped", async () => {
    for (let i = 0; i < epk.length * 8; i++) {
      const copy = epk.slice();
      copy[i >> 3] ^= 1 << (i & 7);
      await expect(load(copy, { wasm: simd }), `bit ${i}`).rejects.toThrow(failure("EPK_INVALID", /./));
    }
  });

  it("is EPK_INVALID at every shorter length", async () => {
    for (let length = 0; length < epk.length; length++)
      await expect(load(epk.subarray(0, length), { wasm: simd }), `${length} bytes`).rejects.toThrow(failure("EPK_INVALID", /./));
  });

  it("is EPK_VERSION where it is sound and of another ABI", async () => {
    const copy = epk.slice();
    const view = new DataView(copy.buffer);
    view.setUint16(FileField.abi, 9, true);
    view.setUint32(FileField.hash, xxh32(copy.subarray(0, FileField.hash)), true);
    await expect(load(copy, { wasm: simd })).rejects.toThrow(failure("EPK_VERSION", new RegExp(`ABI 9.*ABI ${ABI_VERSION}`)));
  });
});

it("memory is as large as the model and its decoding need, in whole pages", async () => {
  const small = await load(epk, { wasm: simd });
  expect(small.memory.bytes).toBe(65536);
  expect(small.memory).toMatchObject({ image: 4304, arena: 64 });
  const large = await load(writeEpk(clipPack(500_000)), { wasm: simd });
  expect(large.memory.bytes).toBe(Math.ceil((4304 + 4_000_000) / 65536) * 65536);
});

describe("what a file claims of memory", () => {
  const { meta, regions } = clipPack();
  const claiming = (memory: number) => writeEpk({ meta: { ...meta, memory }, regions });

  it("is a LIMIT above maxArena, which says how to raise it; nothing is allocated", async () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    await expect(load(claiming(2 ** 31 - 1), { wasm: simd })).rejects.toThrow(failure("LIMIT", /2147479343 bytes.*maxArena.*536870912/));
    expect(grow).not.toHaveBeenCalled();
    grow.mockRestore();
    const arena = 1 << 20;
    await expect(load(claiming(meta.image + arena), { wasm: simd, maxArena: arena - 1 })).rejects.toThrow(failure("LIMIT", /1048576/));
    expect((await load(claiming(meta.image + arena), { wasm: simd, maxArena: arena })).run({ x })).toEqual(answer);
  });

  it("is EPK_INVALID where it is for weights that the file cannot hold, of the writer too", () => {
    const image = 2 ** 24;
    expect(() => writeEpk({ meta: { ...meta, image, memory: image + 64 }, regions })).toThrow(failure("EPK_INVALID", /wrong image/));
  });

  it("is a LIMIT where the engine does not give it", async () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementationOnce(() => {
      throw new RangeError("no");
    });
    await expect(load(claiming(2 ** 28), { wasm: simd })).rejects.toThrow(failure("LIMIT", /bytes/));
    grow.mockRestore();
  });
});
