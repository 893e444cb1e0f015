/** What a fresh process spends until its first answer: in a process that is warm, the engine has compiled the kernels already. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { quartiles } from "./measure.ts";

export interface ColdStart {
  /** Milliseconds of `load`, and of the first `run`. */
  readonly load: number;
  readonly first: number;
  /** CPU milliseconds of all threads from before edgepack is imported to the first answer. */
  readonly cpu: number;
  /** Most bytes of the process that were resident. */
  readonly rss: number;
}

const ROUNDS = 5;

/** Set by the bundler; where it is not, this runs from its sources. */
declare const EDGEPACK_BUNDLED: boolean;

const RUNTIME =
  typeof EDGEPACK_BUNDLED === "undefined" ? new URL("../../dist/run.js", import.meta.url) : new URL("./run.js", import.meta.url);

const SCRIPT = `
const [runtime, path] = process.argv.slice(1);
const before = process.cpuUsage();
const { load } = await import(runtime);
const start = performance.now();
const model = await load(path);
const loaded = performance.now();
const arrays = { f32: Float32Array, i32: Int32Array, i8: Int8Array, u8: Uint8Array, bool: Uint8Array };
const inputs = Object.fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, new arrays[dtype](shape.reduce((n, d) => n * d, 1))]));
const ready = performance.now();
model.run(inputs);
const first = performance.now() - ready;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ load: loaded - start, first, cpu: (user + system) / 1000, rss: process.resourceUsage().maxRSS * 1024 }));
`;

/** Loads and runs a pack in fresh processes of this engine, one after another; medians. */
export async function measureColdStart(path: string): Promise<ColdStart> {
  const starts: ColdStart[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const args = ["--input-type=module", "-e", SCRIPT, RUNTIME.href, path];
    starts.push(JSON.parse((await promisify(execFile)(process.execPath, args)).stdout));
  }
  const median = (key: keyof ColdStart): number => quartiles(starts.map((start) => start[key])).ms;
  return { load: median("load"), first: median("first"), cpu: median("cpu"), rss: median("rss") };
}
