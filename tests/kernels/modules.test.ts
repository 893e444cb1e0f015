import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ABI_VERSION, GemmField, IMAGE_START, Op, SoftmaxField, Unary, UnaryField } from "../../assembly/shared/plan.ts";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  abi(): number;
  run(plan: number): void;
}

type Build = "simd" | "relaxed" | "scalar";

const bytesOf = (build: Build) => readFileSync(new URL(`../../dist/${build}.wasm`, import.meta.url));

/** Those that this engine runs: `tests/runtimes/node` has newer ones run the relaxed build. */
const BUILDS = (["simd", "relaxed", "scalar"] as const).filter((build) => WebAssembly.validate(bytesOf(build)));

const OPS = Object.values(Op).filter((op) => typeof op === "number" && op !== Op.end);

const compile = (build: Build): WebAssembly.Module => new WebAssembly.Module(bytesOf(build));

function instantiate(build: Build): Kernels {
  return new WebAssembly.Instance(compile(build)).exports as unknown as Kernels;
}

const bits = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0];

/** One record: fields by their word offset. */
function record(op: Op, words: number, fields: Record<number, number>): number[] {
  return Array.from({ length: words }, (_, i) => (i === 0 ? op : i === 1 ? words : (fields[i] ?? 0)));
}

const A = 8192;
const W = 16384;
const C = 24576;
const M = 5;
const N = 11;
const K = 7;

/** A product, GELU of it and softmax of that, each from where the last one wrote. */
const PLAN = [
  ...record(Op.f32_gemm, GemmField.scratch + 1, {
    [GemmField.batch]: 1,
    [GemmField.m]: M,
    [GemmField.n]: N,
    [GemmField.k]: K,
    [GemmField.a]: A,
    [GemmField.lda]: K,
    [GemmField.w]: W,
    [GemmField.c]: C,
    [GemmField.ldc]: N,
    [GemmField.lo]: bits(-Infinity),
    [GemmField.hi]: bits(Infinity),
  }),
  ...record(Op.f32_unary, UnaryField.c + 1, {
    [UnaryField.kind]: Unary.gelu,
    [UnaryField.n]: M * N,
    [UnaryField.a]: C,
    [UnaryField.c]: C,
  }),
  ...record(Op.f32_softmax, SoftmaxField.log + 1, {
    [SoftmaxField.rows]: M,
    [SoftmaxField.n]: N,
    [SoftmaxField.a]: C,
    [SoftmaxField.c]: C,
  }),
  ...record(Op.end, 2, {}),
];

function answer(build: Build): Float32Array {
  const { memory, run } = instantiate(build);
  new Float32Array(memory.buffer, A, M * K).forEach((_, i, a) => {
    a[i] = Math.sin(i);
  });
  new Float32Array(memory.buffer, W, 16 * K).forEach((_, i, w) => {
    w[i] = Math.cos(i);
  });
  new Int32Array(memory.buffer, IMAGE_START, PLAN.length).set(PLAN);
  run(IMAGE_START);
  return new Float32Array(memory.buffer, C, M * N).slice();
}

describe.each(BUILDS)("the %s module", (build) => {
  it("needs nothing from its host and gives memory, run and abi", () => {
    const module = compile(build);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(WebAssembly.Module.exports(module).map((e) => e.name)).toEqual(expect.arrayContaining(["memory", "run", "abi"]));
  });

  it("exports the kernel of every op under the op's code", () => {
    expect(WebAssembly.Module.exports(compile(build)).map((e) => e.name)).toEqual(expect.arrayContaining(OPS.map(String)));
  });

  it("answers the ABI version of the plans it reads", () => {
    expect(instantiate(build).abi()).toBe(ABI_VERSION);
  });

  it("starts with one page, its static data below the image", () => {
    const { memory } = instantiate(build);
    expect(memory.buffer.byteLength).toBe(65536);
    expect(new Uint8Array(memory.buffer, IMAGE_START).every((byte) => byte === 0)).toBe(true);
  });

  it("runs a plan to its end", () => {
    const c = answer(build);
    for (let row = 0; row < M; row++) expect(c.subarray(row * N, (row + 1) * N).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  it("traps at an op that it does not know", () => {
    const { memory, run } = instantiate(build);
    new Int32Array(memory.buffer, IMAGE_START, 2).set([9999, 2]);
    expect(() => run(IMAGE_START)).toThrow(WebAssembly.RuntimeError);
  });
});

describe("the SIMD and the scalar module", () => {
  it("give the same bits", () => {
    expect(new Uint8Array(answer("simd").buffer)).toEqual(new Uint8Array(answer("scalar").buffer));
  });
});
