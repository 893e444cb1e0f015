import * as v from "valibot";
import { readItems } from "../../data/index.ts";
import { freshNames, prune } from "../../graph/edit.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { inferTypes } from "../../semantics/infer.ts";
import { elementCount } from "../../tensor/index.ts";
import { instrument } from "../instrument.ts";
import { channelAxis } from "../migrate.ts";
import { linearLayers } from "../quantize.ts";
import type { Context } from "../state.ts";
import { defineStep } from "../step.ts";

/** Items on which means are taken: they need few. */
const ITEMS = 32;

/**
 * Takes the mean error out of each layer: the difference that grids make to the mean of its outputs before the activation, measured layer by layer from the
 * first on, is added to its bias (empirical bias correction, Nagel et al. 2019).
 */
export const correctBias = defineStep({
  summary: "adds to biases what grids take from the mean of each layer's outputs",
  options: v.strictObject({}),
  takes: "integers",
  leaves: "integers",
  inferences: (_options, { values }) => ITEMS * (1 + values / 2),
  async run(state, _options, context) {
    if (!state.real) throw new RangeError("there is no f32 graph to compare with");
    const { real } = state;
    const layers = [...linearLayers(real).keys()];
    const items = context.measured.spread(real, layers.length).slice(0, ITEMS);
    const expected = await meansOf(real, layers, items, context);
    let { graph } = state;
    const largest: Record<string, number> = {};
    for (const [i, { name }] of layers.entries()) {
      const node = graph.nodes.find((other) => other.name === name);
      if (!node) continue;
      const actual = (await meansOf(graph, [node], items, context)).get(name)!;
      const shift = expected.get(name)!.map((mean, c) => mean - actual[c]);
      graph = withShift(graph, node, shift);
      largest[name] = Math.max(...shift.map(Math.abs));
      context.onProgress?.("correcting biases", i + 1, layers.length);
    }
    return { ...state, graph, notes: [...state.notes, { step: "correct-bias", largest }] };
  },
});

/** Mean of each channel of what layers compute before their activation, in reals, by the names of the layers. */
async function meansOf(
  graph: Graph,
  layers: readonly Node[],
  indices: readonly number[],
  { calibration, preprocess }: Context,
): Promise<Map<string, Float64Array>> {
  const fresh = freshNames(graph);
  const bare = new Map(layers.map((node) => [node, withoutActivation(node, fresh(`${node.name}/before the activation`))]));
  const outputs = [...bare.values()].map((node) => node.outputs[0]);
  const nodes = graph.nodes.flatMap((node) => [node, ...(bare.has(node) ? [bare.get(node)!] : [])]);
  const part = inferTypes(prune({ ...graph, nodes, outputs }));
  const sums = layers.map((node, i) => {
    const { shape } = part.types.get(outputs[i])!;
    const axis = channelAxis(node, shape.length);
    const [channels, stride] = [shape[axis], elementCount(shape.slice(axis + 1))];
    return { name: node.name, output: outputs[i], stride, sums: new Float64Array(channels), each: elementCount(shape) / channels };
  });
  const model = await instrument(part, outputs, preprocess);
  try {
    for await (const item of readItems(calibration.data, indices)) {
      const values = model.run(item);
      for (const { output, stride, sums: of } of sums) {
        const x = values.get(output)!;
        for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i])) of[Math.floor(i / stride) % of.length] += x[i];
      }
    }
  } finally {
    model.dispose();
  }
  return new Map(sums.map(({ name, sums: of, each }) => [name, of.map((sum) => sum / (each * indices.length))]));
}

function withoutActivation(node: Node, output: string): Node {
  const [min, max] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return { ...node, name: output, outputs: [output], attrs: { ...node.attrs, min, max }, quant: undefined };
}

function withShift(graph: Graph, node: Node, shift: Float64Array): Graph {
  const bias = graph.constants.get(node.inputs[2] ?? "");
  const name = freshNames(graph)(`${node.name}/corrected bias`);
  const data = Float32Array.from(shift, (s, c) => (bias?.data[c] ?? 0) + s);
  const constants = new Map(graph.constants).set(name, { dtype: "f32", shape: [data.length], data });
  const corrected = { ...node, inputs: [node.inputs[0], node.inputs[1], name] };
  return inferTypes(prune({ ...graph, constants, nodes: graph.nodes.map((other) => (other === node ? corrected : other)) }));
}
