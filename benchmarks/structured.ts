/**
 * Benchmark nets with a share of their multiply-accumulates left: how far the smaller dense graph is from the masked one, and how long it takes to get there.
 * `node scripts/ts.mjs benchmarks/structured.ts mobilenetv2 encoder`, on random inputs, in wasm.
 */

import { instrument } from "../src/compress/instrument.ts";
import { applyMask, removeDeadChannels, selectChannels } from "../src/compress/prune/index.ts";
import { macsOf } from "../src/compress/report.ts";
import { mulberry32 } from "../src/data/sample.ts";
import type { Graph } from "../src/graph/graph.ts";
import { optimize } from "../src/passes/index.ts";
import { elementCount } from "../src/tensor/index.ts";
import { NETS } from "./nets.ts";

const macs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + macsOf(node, graph), 0);

async function outputsOf(graph: Graph): Promise<readonly ArrayLike<number>[]> {
  const random = mulberry32(3);
  const inputs = graph.inputs.map((name) => [
    name,
    Float32Array.from({ length: elementCount(graph.types.get(name)!.shape) }, () => 2 * random() - 1),
  ]);
  const model = await instrument(graph, graph.outputs);
  const outputs = [...model.run(Object.fromEntries(inputs)).values()].map((values) => Array.from(values));
  model.dispose();
  return outputs;
}

for (const name of process.argv.slice(2)) {
  const graph = optimize(NETS[name].graph());
  for (const left of [0.5, 0.3]) {
    const begin = performance.now();
    const masked = applyMask(graph, selectChannels(graph, { macs: left }));
    const selected = performance.now();
    const small = removeDeadChannels(masked);
    const removed = performance.now();
    const [want, got] = [await outputsOf(masked), await outputsOf(small)];
    let apart = 0;
    for (const [i, values] of want.entries())
      for (let k = 0; k < values.length; k++) apart = Math.max(apart, Math.abs(values[k] - got[i][k]));
    const share = ((100 * macs(small)) / macs(graph)).toFixed(1);
    const shapes = small.nodes
      .filter(({ op }) => op === "ScaledDotProductAttention" || op === "Softmax")
      .map(({ inputs }) => `[${small.types.get(inputs[0])!.shape}]`);
    console.log(
      `${name}: ${share} % of MACs left, largest difference ${apart}; selected in ${Math.round(selected - begin)} ms, removed in ${Math.round(removed - selected)} ms`,
    );
    if (shapes.length > 0) console.log(`  attention: ${shapes.join(" ")}`);
  }
}
