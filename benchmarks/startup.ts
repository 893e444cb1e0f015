/**
 * What a fresh process spends until its first answer: `npm run bench:startup [-- options]` (after `npm run build` and `npm ci --prefix tests/peers`).
 *
 *   --nets a,b     some of the nets (default: dscnn, resnet8, mobilenetv2, resnet18)
 *   --rounds n     processes for each engine and net, taken in turn; medians count (default: 9)
 *   --out file     where results go (default: benchmarks/results/startup.json)
 *
 * edgepack runs as users get it, the package of `--target node`, int8. onnxruntime-web runs the same net in f32, its quicker start. CPU time is that of all threads, from
 * before the engine is imported to after the first answer: without the boot of Node, and with what is compiled in the background.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { syntheticDataset } from "../src/data/index.ts";
import { ROOT } from "./fashion-mnist.ts";
import { machine } from "./measure.ts";
import { onnxOf } from "./nets.ts";

const { values: options } = parseArgs({
  options: {
    nets: { type: "string", default: "dscnn,resnet8,mobilenetv2,resnet18" },
    rounds: { type: "string", default: "9" },
    out: { type: "string", default: "benchmarks/results/startup.json" },
  },
});

/** Milliseconds; bytes. `memory` is the wasm memory, where it is known. */
interface Startup {
  readonly cpu: number;
  readonly load: number;
  readonly first: number;
  readonly steady: number;
  readonly rss: number;
  readonly memory?: number;
}

const { build, writeTarget }: typeof import("../src/index.ts") = await import(new URL("dist/index.js", ROOT).href);
const child = fileURLToPath(new URL("benchmarks/startup-process.mjs", ROOT));
const require = createRequire(new URL("tests/peers/package.json", ROOT));
const onnxruntime = require.resolve("onnxruntime-web");
const version = JSON.parse(readFileSync(new URL("tests/peers/node_modules/onnxruntime-web/package.json", ROOT), "utf8")).version;

const start = (args: readonly string[]): Startup => JSON.parse(execFileSync(process.execPath, [child, ...args], { encoding: "utf8" }));

function medians(runs: readonly Startup[]): Startup {
  const median = (of: (run: Startup) => number) => runs.map(of).sort((a, b) => a - b)[runs.length >> 1];
  const { memory } = runs[0];
  const times = { cpu: median((r) => r.cpu), load: median((r) => r.load), first: median((r) => r.first), steady: median((r) => r.steady) };
  return { ...times, rss: median((r) => r.rss), ...(memory && { memory }) };
}

const brotli = (data: Uint8Array | string): number => brotliCompressSync(data).length;

/** Writes the package for Node to `folder`, and the ONNX beside it; gives the arguments of both engines' processes, and what is shipped. */
async function prepare(net: string, folder: string) {
  const onnx = onnxOf(net);
  const { meta } = await build(onnx, { weights: "f32" });
  const { epk, meta: integer, report } = await build(onnx, { calibration: syntheticDataset(meta.inputs, 4, 1) });
  const files = await writeTarget("node", { epk, meta: integer, modelName: net });
  for (const [path, data] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), data);
  }
  const model = join(folder, `${net}.onnx`);
  writeFileSync(model, onnx);
  const shapes = Object.fromEntries(meta.inputs.map(({ name, shape }) => [name, shape]));
  return {
    engines: {
      edgepack: ["edgepack", join(folder, "index.js")],
      onnxruntime: ["onnxruntime", onnxruntime, model, JSON.stringify(shapes)],
    },
    macs: report.layers.reduce((sum, layer) => sum + layer.macs, 0),
    shipped: { epk: epk.length, wasm: brotli(files.get("simd.wasm")!), script: brotli(files.get("edgepack.js")!) },
  };
}

/** Brotli bytes of what `edgepack/run` from npm can load: every kernel. */
const whole = Object.fromEntries(
  ["simd.wasm", "relaxed.wasm", "scalar.wasm", "runtime/edgepack.js"].map((file) => [
    file,
    brotli(readFileSync(new URL(`dist/${file}`, ROOT))),
  ]),
);

const results = [];
for (const net of options.nets.split(",")) {
  const folder = mkdtempSync(join(tmpdir(), "edgepack-startup-"));
  try {
    const { engines, macs, shipped } = await prepare(net, folder);
    const runs: Record<string, Startup[]> = { edgepack: [], onnxruntime: [] };
    for (let round = 0; round < Number(options.rounds); round++)
      for (const [engine, args] of Object.entries(engines)) runs[engine].push(start(args));
    const startup = Object.fromEntries(Object.entries(runs).map(([engine, measured]) => [engine, medians(measured)]));
    results.push({ net, macs, shipped, startup });
    for (const [engine, { cpu, first, steady }] of Object.entries(startup))
      console.log(
        net.padEnd(12),
        engine.padEnd(12),
        `CPU ${cpu.toFixed(1)} ms, first ${first.toFixed(2)} ms, steady ${steady.toFixed(3)} ms`,
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
  // After each net, so that what was measured is kept where a later one is stopped.
  const report = { machine: { ...machine(ROOT), onnxruntime: version }, whole, results };
  writeFileSync(new URL(options.out, ROOT), `${JSON.stringify(report, null, 2)}\n`);
}
