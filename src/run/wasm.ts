import { ABI_VERSION } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import { readSource, type Source, tagOf } from "./source.ts";

/** The kernels: a compiled module or its bytes, or several builds, of which the engine's abilities pick the one that is fetched. */
export type WasmSource = WebAssembly.Module | Source | PromiseLike<WebAssembly.Module | Source> | WasmBuilds;

export interface WasmBuilds {
  /** Fuses multiplications and additions of f32, so that f32 results have other last bits: taken only where it is given. Integers are the same. */
  readonly relaxed?: WasmSource;
  readonly simd: WasmSource;
  readonly scalar: WasmSource;
}

/** What assembly/run.ts exports. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  abi(): number;
  /** Unpacks the chunk at `image + Work.chunk`; gives a Status. */
  unpack(image: number, length: number, hash: number): number;
  run(plan: number): void;
}

/** Set by the bundler; where it is not, this runs from its sources. */
declare const EDGEPACK_BUNDLED: boolean;

/** A module of 30 bytes that only engines with SIMD accept: `i8x16.popcnt(i8x16.splat(0))`. */
const SIMD_PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

/** (a, c) → a·a + c by `f32x4.relaxed_madd`. */
const MADD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 125, 125, 1, 125, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 22, 1, 20, 0, 32, 0, 253, 19, 32, 0,
  253, 19, 32, 1, 253, 19, 253, 133, 2, 253, 31, 0, 11,
];

/** Instantiates kernels for one model. Throws WASM_UNAVAILABLE, EPK_VERSION where the module is of another ABI, FILE. */
export async function instantiate(source?: WasmSource): Promise<Kernels> {
  if (typeof WebAssembly !== "object") throw new EdgepackError("WASM_UNAVAILABLE", "This engine has no WebAssembly, or has it turned off.");
  const module = await compile(source ?? defaults());
  let kernels: Kernels;
  let abi: number;
  try {
    kernels = (await WebAssembly.instantiate(module)).exports as unknown as Kernels;
    abi = kernels.abi();
  } catch (cause) {
    throw new EdgepackError("WASM_UNAVAILABLE", `This module is not edgepack's: ${(cause as Error).message}.`, [], { cause });
  }
  if (abi !== ABI_VERSION)
    throw new EdgepackError("EPK_VERSION", `The wasm module has ABI ${abi}, this script has ${ABI_VERSION}: take both from one edgepack.`);
  return kernels;
}

function defaults(): WasmSource {
  try {
    return typeof EDGEPACK_BUNDLED === "undefined"
      ? { simd: new URL("../../dist/simd.wasm", import.meta.url), scalar: new URL("../../dist/scalar.wasm", import.meta.url) }
      : { simd: new URL("./simd.wasm", import.meta.url), scalar: new URL("./scalar.wasm", import.meta.url) };
  } catch (cause) {
    throw new EdgepackError("WASM_UNAVAILABLE", "This script does not know where it lies: give the kernels, load(model, { wasm }).", [], {
      cause,
    });
  }
}

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  const given = await source;
  if (areBuilds(given)) {
    if (given.relaxed && (await hasMadd())) return compile(given.relaxed);
    return compile(WebAssembly.validate(new Uint8Array(SIMD_PROBE)) ? given.simd : given.scalar);
  }
  if (isModule(given)) return given;
  const bytes = await readSource(given);
  try {
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (cause) {
    throw new EdgepackError(
      "WASM_UNAVAILABLE",
      `The engine does not compile these bytes: ${(cause as Error).message}. Workers: import the .wasm file and give that module, load(model, { wasm }). Pages: the CSP needs 'wasm-unsafe-eval'.`,
      [],
      { cause },
    );
  }
}

/** Whether the engine has relaxed SIMD, and its product and sum are one of the two that are allowed: rounded once or twice. */
async function hasMadd(): Promise<boolean> {
  try {
    const { f } = (await WebAssembly.instantiate(new Uint8Array(MADD_PROBE))).instance.exports;
    return [2 ** -11, 2 ** -11 + 2 ** -24].includes((f as (a: number, c: number) => number)(1 + 2 ** -12, -1));
  } catch {
    return false;
  }
}

function areBuilds(value: unknown): value is WasmBuilds {
  return "simd" in Object(value);
}

function isModule(value: unknown): value is WebAssembly.Module {
  return tagOf(value) === "WebAssembly.Module";
}
