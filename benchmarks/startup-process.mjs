// One fresh process of `benchmarks/startup.ts`: loads a model with one engine, runs it once and then until it is steady, and prints what that took.
// Arguments: the engine, its module, and for onnxruntime the model and the shapes of its inputs.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { pathToFileURL } from "node:url";

const STEADY_MS = 1500;
const [engine, module, path, shapes] = process.argv.slice(2);

const wave = (shape) => Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i));

/** Each imports its engine, loads the model, and gives what runs one inference, and the bytes of wasm memory where these can be known. */
const ENGINES = {
  async edgepack() {
    const { load } = await import(pathToFileURL(module).href);
    const model = await load();
    const inputs = Object.fromEntries(model.inputs.map(({ name, shape }) => [name, wave(shape)]));
    return { run: () => model.run(inputs), memory: model.memory.bytes };
  },
  async onnxruntime() {
    const { default: ort } = await import(pathToFileURL(module).href);
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "fatal";
    const session = await ort.InferenceSession.create(await readFile(path));
    const inputs = Object.entries(JSON.parse(shapes)).map(([name, shape]) => [name, new ort.Tensor("float32", wave(shape), shape)]);
    return { run: () => session.run(Object.fromEntries(inputs)) };
  },
};

const before = process.cpuUsage();
const start = performance.now();
const { run, memory } = await ENGINES[engine]();
const loaded = performance.now();
await run();
const answered = performance.now();
const { user, system } = process.cpuUsage(before);
// The greatest that there was would count the parent's before it was replaced.
const rss = process.memoryUsage.rss();

const times = [];
while (performance.now() - answered < STEADY_MS) {
  const from = performance.now();
  await run();
  times.push(performance.now() - from);
}
const late = times.slice(times.length >> 1).sort((a, b) => a - b);
const steady = late[late.length >> 1];
console.log(JSON.stringify({ cpu: (user + system) / 1000, load: loaded - start, first: answered - loaded, steady, rss, memory }));
