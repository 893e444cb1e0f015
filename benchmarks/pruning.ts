/**
 * What one-shot pruning costs the Fashion-MNIST models, by criterion and pattern: `node scripts/ts.mjs benchmarks/pruning.ts lenet5 [images]`. Moments are of 256 training images;
 * top-1 is of all test images, or of the first so many.
 */
import { readFileSync } from "node:fs";
import { argmax } from "../src/compress/compare.ts";
import { instrument } from "../src/compress/instrument.ts";
import { inputMoments } from "../src/compress/moments.ts";
import {
  applyMask,
  type Mask,
  magnitude,
  prunedWeights,
  pruneGradually,
  reconstruct,
  removeDeadChannels,
  type Saliency,
  type SelectOptions,
  select,
  selectChannels,
  surgeon,
  wanda,
} from "../src/compress/prune/index.ts";
import { macsOf } from "../src/compress/report.ts";
import { openDataset, sampleIndices } from "../src/data/index.ts";
import type { Graph } from "../src/graph/graph.ts";
import { readOnnx } from "../src/onnx/index.ts";
import { optimize } from "../src/passes/index.ts";
import { planGraph } from "../src/plan/plan.ts";
import { DATA, MODELS, PREPROCESS as preprocess, ROOT } from "./fashion-mnist.ts";

const [name, images] = process.argv.slice(2);
const graph = optimize(readOnnx(readFileSync(new URL(MODELS[name], ROOT))).graph);
const { inputs } = planGraph(graph, { preprocess }).pack.meta;
const train = await openDataset(DATA, { part: "train", inputs });
const test = await openDataset(DATA, { part: "test", inputs });
const judged = Array.from({ length: images ? Number(images) : test.count }, (_, i) => i);
const indices = sampleIndices(train.count, 256, 0);

async function top1(tested: Graph): Promise<number> {
  const model = await instrument(tested, tested.outputs, preprocess);
  let correct = 0;
  for (const i of judged) {
    const [scores] = model.run(await test.item(i)).values();
    if (argmax(scores) === test.labels![i]) correct++;
  }
  model.dispose();
  return (100 * correct) / judged.length;
}

const momentsOf = (of: Graph) =>
  inputMoments(
    of,
    prunedWeights(of).flatMap(({ nodes }) => nodes),
    train,
    { indices, preprocess },
  );

const full = await top1(graph);
const moments = await momentsOf(graph);
const report = async (what: string, pruned: Graph): Promise<void> => {
  console.log(`${what.padEnd(52)} ${((await top1(pruned)) - full).toFixed(2).padStart(7)}`);
};
console.log(`${name}: ${full.toFixed(2)} %`);

const saliencies: Record<string, Saliency> = {
  magnitude: magnitude(graph),
  wanda: wanda(graph, moments),
  surgeon: surgeon(graph, moments),
};
const tryMask = async (what: string, mask: Mask): Promise<void> => {
  await report(what, applyMask(graph, mask));
  await report(`${what}, reconstructed`, reconstruct(graph, mask, moments));
};
for (const share of [0.5, 0.7, 0.8, 0.9]) {
  for (const [criterion, saliency] of Object.entries(saliencies))
    for (const scope of ["layer", "model"] as const)
      await tryMask(`${share} ${criterion}, by ${scope}`, select(graph, saliency, { share }, { scope }));
  for (const pattern of [{ kind: "unstructured" }, { kind: "blocks" }] as const)
    await report(
      `${share} wanda, ${pattern.kind}, in rounds`,
      pruneGradually(graph, wanda, { share }, moments, { pattern, scope: "model" }).graph,
    );
  await tryMask(`${share} surgeon, blocks`, select(graph, saliencies.surgeon, { share }, { pattern: { kind: "blocks" }, scope: "model" }));
}
const two: SelectOptions = { pattern: { kind: "n:m", n: 2, m: 4 } };
for (const [criterion, saliency] of Object.entries(saliencies)) await tryMask(`2:4 ${criterion}`, select(graph, saliency, undefined, two));

const macs = (of: Graph): number => of.nodes.reduce((sum, node) => sum + macsOf(node, of), 0);
for (const left of [0.7, 0.5]) {
  await report(`${left} of MACs, channels by norms`, removeDeadChannels(applyMask(graph, selectChannels(graph, { macs: left }))));
  const mask = selectChannels(graph, { macs: left }, { moments });
  await report(`${left} of MACs, channels by error`, removeDeadChannels(applyMask(graph, mask)));
  await report(`${left} of MACs, channels by error, reconstructed`, removeDeadChannels(reconstruct(graph, mask, moments)));
  for (const rounds of [4, 8]) {
    let current = graph;
    for (let round = 1; round <= rounds; round++) {
      const share = (macs(graph) * (1 - ((1 - left) * round) / rounds)) / macs(current);
      const seen = await momentsOf(current);
      current = removeDeadChannels(reconstruct(current, selectChannels(current, { macs: share }, { moments: seen }), seen));
    }
    await report(`${left} of MACs, the same in ${rounds} rounds`, current);
  }
}
