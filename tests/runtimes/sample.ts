/** The packages that the suites run, made by the command line as a user makes them, and what they have to answer. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll } from "vitest";

const root = join(import.meta.dirname, "../..");
const example = join(root, "examples/fashion-mnist");

const built = new Map<string, Promise<string>>();
let scratch: string | undefined;

/** The folder with the int8 DS-CNN of the examples for a target, built once for a file of tests and removed after it. */
export function packageFor(target: string): Promise<string> {
  const folder = built.get(target) ?? buildPackage(target);
  built.set(target, folder);
  return folder;
}

async function buildPackage(target: string): Promise<string> {
  scratch ??= await mkdtemp(join(tmpdir(), "edgepack-runtimes-"));
  const folder = join(scratch, target);
  const options = ["--calibration", join(example, "slice"), "--labels", join(example, "labels.txt"), "--mean", "0.2860", "--std", "0.3530"];
  const build = [join(root, "dist/cli.js"), "build", join(example, "dscnn.onnx"), ...options, "--target", target, "-o", folder];
  await promisify(execFile)(process.execPath, build);
  return folder;
}

afterAll(async () => {
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

/** 28 × 28 grey pictures: flat, a ramp, and noise from a fixed linear congruential generator. */
export const PICTURES: readonly Uint8Array[] = [
  new Uint8Array(784),
  Uint8Array.from({ length: 784 }, (_, i) => i % 256),
  Uint8Array.from({ length: 784 }, (_, i) => (Math.floor(i / 28) > 6 && i % 28 > 9 && i % 28 < 18 ? 220 : 0)),
  noise(1),
  noise(2),
];

function noise(seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: 784 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

interface Runtime {
  load(
    pack: Uint8Array,
    options: { wasm: WebAssembly.Module },
  ): Promise<{ run(inputs: object): Record<string, Float32Array>; inputs: readonly { name: string }[] }>;
}

/** What this process computes from a `.epk` with one of the two builds of the kernels: the bits of the first output, for every picture. */
export async function expectedBits(pack: Uint8Array, build: "simd" | "scalar"): Promise<Uint32Array[]> {
  const { load } = (await import(join(root, "dist/run.js"))) as Runtime;
  const wasm = await WebAssembly.compile(await readFile(join(root, `dist/${build}.wasm`)));
  const model = await load(pack, { wasm });
  const [input] = model.inputs;
  return PICTURES.map((picture) => {
    const [values] = Object.values(model.run({ [input!.name]: picture }));
    return bitsOf(values!);
  });
}

export const bitsOf = (values: ArrayLike<number>): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
