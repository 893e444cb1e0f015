import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Op } from "../../assembly/shared/plan.ts";
import { build } from "../../src/build.ts";
import { syntheticDataset } from "../../src/data/index.ts";
import { readEpk } from "../../src/format/index.ts";
import { opsOf } from "../../src/format/ops.ts";
import { load } from "../../src/run/index.ts";
import { trimModule } from "../../src/trim/trim.ts";
import { randomOf } from "../format/sample.ts";

const BUILDS = ["simd", "scalar"] as const;
const full = Object.fromEntries(BUILDS.map((name) => [name, readFileSync(new URL(`../../dist/${name}.wasm`, import.meta.url))]));
const ALL = Object.values(Op).filter((op): op is Op => typeof op === "number" && op !== Op.end);
const DSCNN = readFileSync(new URL("../../examples/fashion-mnist/dscnn.onnx", import.meta.url));
const VIT = readFileSync(new URL("../accuracy/models/vit.onnx", import.meta.url));

const failure = (code: string, text: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(text) });

const exportsOf = (wasm: Uint8Array<ArrayBuffer>): string[] =>
  WebAssembly.Module.exports(new WebAssembly.Module(wasm))
    .map(({ name }) => name)
    .sort();

const image = { name: "image", dtype: "f32", shape: [1, 1, 28, 28] } as const;
const { epk: int8Cnn } = await build(DSCNN, { calibration: syntheticDataset([image], 8, 1) });
const { epk: transformer } = await build(VIT, { weights: "f32" });

const opsIn = (epk: Uint8Array): Set<number> => {
  const { image, meta } = readEpk(epk);
  return opsOf(new Int32Array(image.buffer, 0, meta.image / 4), meta.plan);
};

describe.each(BUILDS)("the %s module without kernels that a plan does not need", (name) => {
  it("is valid for every op alone, and exports its kernel and what the host calls", () => {
    for (const op of ALL) {
      const trimmed = trimModule(full[name], new Set([op]));
      expect(exportsOf(trimmed), Op[op]).toEqual([String(op), "abi", "memory", "run", "unpack"].sort());
      expect(trimmed.length).toBeLessThan(full[name].length / 2);
    }
  });

  it("computes the same bits as the whole, for an int8 CNN and an f32 transformer", async () => {
    for (const epk of [int8Cnn, transformer]) {
      const whole = await load(epk, { wasm: full[name] });
      const trimmed = await load(epk, { wasm: trimModule(full[name], opsIn(epk)) });
      for (let seed = 0; seed < 4; seed++) {
        const inputs = await syntheticDataset(whole.inputs, 1, seed).item(0);
        expect(trimmed.run(inputs)).toEqual(whole.run(inputs));
      }
    }
  });

  it("is trimmed again to the same bytes", () => {
    const ops = new Set([Op.f32_gemm, Op.f32_softmax]);
    const once = trimModule(full[name], ops);
    expect(trimModule(once, ops)).toEqual(once);
  });

  it("is refused by load for a model that needs another kernel, by the op's number", async () => {
    const [first, ...others] = opsIn(int8Cnn);
    await expect(load(int8Cnn, { wasm: trimModule(full[name], new Set(others)) })).rejects.toThrow(
      failure("EPK_VERSION", new RegExp(`no kernels for ops ${first} of`)),
    );
  });
});

it("the module of an int8 CNN is below 8 kB, of an int8 perceptron below 6 kB, in brotli", () => {
  const brotli = (ops: Iterable<number>) => brotliCompressSync(trimModule(full.simd, new Set(ops))).length;
  expect(brotli(opsIn(int8Cnn))).toBeLessThan(8000);
  expect(brotli([Op.qs8_quantize, Op.qs8_gemm])).toBeLessThan(6000);
});

describe("bytes that are no module of edgepack", () => {
  const ops = new Set([Op.copy]);
  const attempt = (wasm: Uint8Array): unknown => {
    try {
      return trimModule(wasm, ops);
    } catch (error) {
      return error;
    }
  };

  it("are refused at every shorter length", () => {
    for (let length = 0; length < full.scalar.length; length += length < 2000 ? 1 : 97)
      expect(attempt(full.scalar.subarray(0, length)), `${length} bytes`).toEqual(failure("FILE", /not a wasm module of edgepack/));
  });

  it("are refused or trimmed with any byte changed, and nothing else is thrown", () => {
    const random = randomOf(7);
    for (let i = 0; i < 2000; i++) {
      const wasm = full.scalar.slice();
      wasm[Math.floor(random() * (i % 2 ? 2000 : wasm.length))] = Math.floor(random() * 256);
      const result = attempt(wasm);
      if (!(result instanceof Uint8Array)) expect(result).toEqual(failure("FILE", /not a wasm module of edgepack/));
    }
  });

  it("are refused where the module has no kernel for an op, or none of what the host calls", () => {
    expect(() => trimModule(full.simd, new Set([9999]))).toThrow(failure("FILE", /does not export 9999/));
    expect(() => trimModule(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), ops)).toThrow(failure("FILE", /0 sections 7/));
  });
});
