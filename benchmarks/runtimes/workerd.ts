/** Packs in workerd: a Worker that runs them as often as it is asked to. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../fashion-mnist.ts";
import { type MeasureOptions, measure, type Timing } from "../measure.ts";
import type { TimedNet } from "./timed.ts";

const FORMS = ["f32", "int8"] as const;
/** Milliseconds that the runs of one request should take, so that asking is lost in them. */
const REQUEST_MS = 60;

async function binary(): Promise<string> {
  const scope = fileURLToPath(new URL("tests/runtimes/workerd/node_modules/@cloudflare", ROOT));
  const [platform] = (await readdir(scope)).filter((name) => name.startsWith("workerd-"));
  return join(scope, platform, "bin/workerd");
}

/** Writes the Worker beside the packs of `folder` and starts it; gives its address. */
async function start(folder: string, nets: readonly TimedNet[]): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  await copyFile(new URL("benchmarks/runtimes/worker.js", ROOT), join(folder, "worker.js"));
  await copyFile(new URL("dist/runtime/edgepack.js", ROOT), join(folder, "edgepack.js"));
  const packs = nets.flatMap(({ net, input, shape }) => FORMS.map((form) => ({ net, form, input, shape, file: `${net}.${form}.epk` })));
  const imports = packs.map(({ file }, i) => `import p${i} from "./${file}";`);
  const rows = packs.map(
    ({ net, form, input, shape }, i) => `  ${JSON.stringify(`${net} ${form}`)}: { pack: p${i}, ...${JSON.stringify({ input, shape })} },`,
  );
  await writeFile(join(folder, "nets.js"), [...imports, "export default {", ...rows, "};", ""].join("\n"));
  const modules = [
    ...["worker.js", "edgepack.js", "nets.js"].map((name) => `(name = "${name}", esModule = embed "${name}")`),
    '(name = "simd.wasm", wasm = embed "simd.wasm")',
    ...packs.map(({ file }) => `(name = "${file}", data = embed "${file}")`),
  ];
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (compatibilityDate = "2026-01-01", modules = [
    ${modules.join(",\n    ")}
  ]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
  await writeFile(join(folder, "config.capnp"), config);
  const child = spawn(await binary(), ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const port = await new Promise<string>((found, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`workerd ended with status ${code}`)));
    child.stdio[3]!.on("data", (data: Buffer) => {
      const match = /"socket":"http","port":(\d+)/.exec(String(data));
      if (match) found(match[1]);
    });
  });
  return { url: `http://127.0.0.1:${port}/`, process: child };
}

/** Times of one run, from requests of many less a request of none. */
export async function timeInWorkerd(
  folder: string,
  nets: readonly TimedNet[],
  pace: MeasureOptions,
): Promise<{ net: string; times: Record<string, Timing> }[]> {
  const worker = await start(folder, nets);
  const outside = { ...pace, elsewhere: true };
  try {
    const results: { net: string; times: Record<string, Timing> }[] = [];
    for (const { net } of nets) {
      const ask = (form: string, n: number) => async () =>
        (await fetch(`${worker.url}?pack=${encodeURIComponent(`${net} ${form}`)}&n=${n}`)).text();
      const once = await measure(Object.fromEntries(FORMS.map((form) => [form, ask(form, 1)])), outside);
      const runs = Object.fromEntries(FORMS.map((form) => [form, Math.max(1, Math.round(REQUEST_MS / once[form].ms))]));
      const asked: Record<string, () => unknown> = { nothing: ask("f32", 0) };
      for (const form of FORMS) asked[form] = ask(form, runs[form]);
      const times = await measure(asked, outside);
      const each = (form: string, time: number): number => (time - times.nothing.ms) / runs[form];
      results.push({
        net,
        times: Object.fromEntries(
          FORMS.map((form) => {
            const { ms, q1, q3 } = times[form];
            return [form, { ms: each(form, ms), q1: each(form, q1), q3: each(form, q3) }];
          }),
        ),
      });
    }
    return results;
  } finally {
    worker.process.removeAllListeners("exit");
    worker.process.kill("SIGKILL");
  }
}

export async function workerdVersion(): Promise<string> {
  return JSON.parse(await readFile(new URL("tests/runtimes/workerd/node_modules/workerd/package.json", ROOT), "utf8")).version;
}
