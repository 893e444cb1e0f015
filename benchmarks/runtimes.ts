/**
 * The same nets in other engines, measured from inside: `npm run bench:runtimes [-- --quick --engines node,deno,workerd --litert folder]`, after `npm run build` and `npm run test:runtimes`, which
 * installs Node 22 and 24, Deno and workerd. Peers run beside edgepack where the engine runs them. Writes benchmarks/results/runtimes.json.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build as bundle } from "esbuild";
import { ROOT } from "./fashion-mnist.ts";
import { machine, type Timing } from "./measure.ts";
import { allModels } from "./models.ts";
import { packOf } from "./packs.ts";
import { importPeer } from "./peers.ts";
import type { TimedNet } from "./runtimes/timed.ts";
import { timeInWorkerd, workerdVersion } from "./runtimes/workerd.ts";

const { values: options } = parseArgs({
  options: {
    nets: { type: "string", default: "dscnn,resnet8,mobilenetv1,mobilenetv2" },
    engines: { type: "string", default: "node,deno,workerd" },
    litert: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: "benchmarks/results/runtimes.json" },
  },
});

const PACE = options.quick ? { warmMs: 400, rounds: 9, roundMs: 10 } : { warmMs: 1500, rounds: 31, roundMs: 20 };

interface Runtime {
  readonly runtime: string;
  readonly results: readonly { net: string; times: Record<string, Timing> }[];
  readonly refused: Readonly<Record<string, string>>;
}

const at = (path: string): string => fileURLToPath(new URL(path, ROOT));

/** The nets' files, as `runtimes/timed.ts` reads them. */
async function prepare(folder: string): Promise<TimedNet[]> {
  const models = allModels();
  const nets: TimedNet[] = [];
  for (const net of options.nets.split(",")) {
    const model = models[net];
    const onnx = model.onnx();
    const f32 = await packOf(onnx, `${net} f32`, () => ({ weights: "f32" }));
    const int8 = await packOf(onnx, `${net} int8`, async () => ({ calibration: await model.calibration(f32.inputs) }));
    writeFileSync(join(folder, `${net}.f32.epk`), f32.epk);
    writeFileSync(join(folder, `${net}.int8.epk`), int8.epk);
    writeFileSync(join(folder, `${net}.f32.onnx`), onnx);
    writeFileSync(join(folder, `${net}.int8.onnx`), int8.exported);
    const [{ name, shape }] = f32.inputs;
    nets.push({ net, input: name, shape, twin: model.twin });
  }
  for (const file of ["simd.wasm", "relaxed.wasm"]) copyFileSync(at(`dist/${file}`), join(folder, file));
  writeFileSync(join(folder, "nets.json"), JSON.stringify(nets));
  await bundle({
    entryPoints: [at("benchmarks/runtimes/timed.ts")],
    outfile: join(folder, "timed.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
  });
  return nets;
}

/** Runs the bundled script with an engine's command. */
function timed(runtime: string, command: string, args: readonly string[], folder: string, onnxruntime: string, litert: string): Runtime {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  const rest = [join(folder, "timed.mjs"), folder, onnxruntime, litert, JSON.stringify(PACE)];
  const printed = execFileSync(command, [...args, ...rest], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 26,
  });
  return { runtime, ...JSON.parse(printed.trimEnd().split("\n").at(-1)!) };
}

const folder = mkdtempSync(join(tmpdir(), "edgepack-bench-runtimes-"));
try {
  const nets = await prepare(folder);
  await importPeer("tests/peers", "onnxruntime-web");
  const onnxruntime = at("tests/peers/node_modules/onnxruntime-web/dist/ort.node.min.mjs");
  // Whole in one file: outside a folder of Node packages Deno finds no dependencies.
  const bundled = at("tests/peers/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  const nodes = readdirSync(at("tests/runtimes/node/node_modules")).filter((name) => name.startsWith("node-"));
  const deno = readdirSync(at("tests/runtimes/deno/node_modules/@deno"))[0];
  const denoPath = at(`tests/runtimes/deno/node_modules/@deno/${deno}/deno`);
  const version = (command: string): string => execFileSync(command, ["--version"], { encoding: "utf8" }).split("\n")[0].trim();
  const runtimes: Runtime[] = [];
  const add = (runtime: Runtime): void => {
    runtimes.push(runtime);
    for (const { net, times } of runtime.results)
      console.log(
        runtime.runtime.padEnd(16),
        net.padEnd(12),
        Object.entries(times)
          .map(([engine, { ms, cpu = ms }]) => `${engine} ${cpu.toPrecision(3)}`)
          .join("   "),
      );
    writeFileSync(new URL(options.out, ROOT), `${JSON.stringify({ machine: machine(ROOT), runtimes }, null, 2)}\n`);
  };
  const engines = new Set(options.engines.split(","));
  for (const command of !engines.has("node")
    ? []
    : [process.execPath, ...nodes.map((name) => at(`tests/runtimes/node/node_modules/${name}/bin/node`))])
    add(timed(`Node ${version(command).slice(1)}`, command, [], folder, onnxruntime, options.litert));
  if (engines.has("deno"))
    add(timed(version(denoPath).replace(/^deno (\S+).*/, "Deno $1"), denoPath, ["run", "--allow-all", "--no-config"], folder, bundled, ""));
  if (engines.has("workerd"))
    add({
      runtime: `workerd ${await workerdVersion()}`,
      results: await timeInWorkerd(folder, nets, PACE),
      refused: { onnxruntime: "it compiles its wasm from bytes, which workerd does not do" },
    });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
