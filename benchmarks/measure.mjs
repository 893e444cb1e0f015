// Fair timing of several engines in one process: warmed together, then interleaved, so that what slows the machine slows all of them.
import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";

/** The Fashion-MNIST models, smallest first; two lie in the examples, the others beside the accuracy suite. */
export const models = {
  dscnn: "examples/fashion-mnist/dscnn.onnx",
  lenet300: "tests/accuracy/models/lenet300.onnx",
  lenet5: "tests/accuracy/models/lenet5.onnx",
  resnet8: "tests/accuracy/models/resnet8.onnx",
  resnet20: "examples/fashion-mnist/resnet20.onnx",
  vit: "tests/accuracy/models/vit.onnx",
};

/** How they were trained. */
export const PREPROCESS = { mean: [0.286], std: [0.353], layout: "nchw" };

const WARM_MS = 1500;
const ROUNDS = 30;
const ROUND_MS = 20;

const median = (sorted) => sorted[sorted.length >> 1];

/**
 * Median milliseconds per call of each contender, with the quartiles of its rounds. `contenders` maps names to functions, which may be async.
 */
export async function measure(contenders) {
  const entries = Object.entries(contenders);
  const calls = {};
  for (const [name, run] of entries) {
    const start = performance.now();
    let n = 0;
    for (; performance.now() - start < WARM_MS; n++) await run();
    calls[name] = Math.max(1, Math.round((n * ROUND_MS) / (performance.now() - start)));
  }
  const times = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of entries) {
      const start = performance.now();
      for (let i = 0; i < calls[name]; i++) await run();
      times[name].push((performance.now() - start) / calls[name]);
    }
  }
  return Object.fromEntries(
    entries.map(([name]) => {
      const sorted = times[name].sort((a, b) => a - b);
      return [name, { ms: median(sorted), q1: sorted[ROUNDS >> 2], q3: sorted[(3 * ROUNDS) >> 2] }];
    }),
  );
}

/** What results depend on, to be kept beside them. */
export function machine() {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return {
    date: new Date().toISOString().slice(0, 10),
    edgepack: version,
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0].model,
    platform: `${platform()}-${arch()}`,
  };
}
