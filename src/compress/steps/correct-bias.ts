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
  inferences: (_options, { values }) => 2 * ITEMS * values,
  async run(state, _options, context) {
    if (!state.real) throw new RangeError("there is no f32 graph to compare with");
    const { real } = state;
    const items = context.measured.spread(real, 2 * real.nodes.length).slice(0, ITEMS);
    let { graph } = state;
    const largest: Record<string, number> = {};
    const layers = [...linearLayers(real).keys()];
    for (const [i, layer] of layers.entries()) {
      const node = graph.nodes.find(({ name }) => name === layer.name);
      if (!node) continue;
      const [expected, actual] = [await meansOf(real, layer, items, context), await meansOf(graph, node, items, context)];
      const shift = expected.map((mean, c) => mean - actual[c]);
      graph = withShift(graph, node, shift);
      largest[layer.name] = Math.max(...shift.map(Math.abs));
      context.onProgress?.("correcting biases", i + 1, layers.length);
    }
    return { ...state, graph, notes: [...state.notes, { step: "correct-bias", largest }] };
  },
});

/** Mean of each channel of what a layer computes before its activation, in reals. */
async function meansOf(graph: Graph, node: Node, indices: readonly number[], { calibration, preprocess }: Context): Promise<Float64Array> {
  const output = freshNames(graph)("before the activation");
  const [min, max] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const bare: Node = { ...node, name: output, outputs: [output], attrs: { ...node.attrs, min, max }, quant: undefined };
  const before = graph.nodes.slice(0, graph.nodes.indexOf(node));
  const part = inferTypes(prune({ ...graph, nodes: [...before, bare], outputs: [output] }));
  const { shape } = part.types.get(output)!;
  const axis = channelAxis(node, shape.length);
  const [channels, stride] = [shape[axis], elementCount(shape.slice(axis + 1))];
  const sums = new Float64Array(channels);
  const model = await instrument(part, [output], preprocess);
  try {
    for await (const item of readItems(calibration.data, indices)) {
      const x = model.run(item).get(output)!;
      for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i])) sums[Math.floor(i / stride) % channels] += x[i];
    }
  } finally {
    model.dispose();
  }
  return sums.map((sum) => (sum * channels) / (elementCount(shape) * indices.length));
}

function withShift(graph: Graph, node: Node, shift: Float64Array): Graph {
  const bias = graph.constants.get(node.inputs[2] ?? "");
  const name = freshNames(graph)(`${node.name}/corrected bias`);
  const data = Float32Array.from(shift, (s, c) => (bias?.data[c] ?? 0) + s);
  const constants = new Map(graph.constants).set(name, { dtype: "f32", shape: [data.length], data });
  const corrected = { ...node, inputs: [node.inputs[0], node.inputs[1], name] };
  return inferTypes(prune({ ...graph, constants, nodes: graph.nodes.map((other) => (other === node ? corrected : other)) }));
}
