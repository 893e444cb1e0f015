/** Second moments of what linear layers read: how their weights' rounding errors show in their outputs. */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { instrument } from "./instrument.ts";
import { type LayerView, layerView } from "./layer-view.ts";

/** XᵀX of a layer's input patches, a k × k matrix for each group. */
export type Moments = readonly Float64Array[];

/** Patches taken of each layer, spread over all items; a few times as many as a patch is long are enough. */
const PATCHES = 2048;
/** Layers with longer patches have no moments: their matrices would cost more than they bring. */
const LONGEST_PATCH = 1024;

export interface MomentsOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
}

/** Moments of the inputs of `layers`, by node, from the f32 model's values on the items at `indices`. */
export async function inputMoments(
  graph: Graph,
  layers: readonly Node[],
  data: Dataset,
  { indices, preprocess }: MomentsOptions,
): Promise<Map<Node, Moments>> {
  const views = new Map<Node, LayerView>();
  for (const node of layers) {
    const view = layerView(graph, node);
    if (view && view.k <= LONGEST_PATCH) views.set(node, view);
  }
  const moments = new Map([...views].map(([node, { groups, k }]) => [node, Array.from({ length: groups }, () => new Float64Array(k * k))]));
  if (views.size === 0) return moments;
  const model = await instrument(graph, [...new Set([...views.keys()].map((node) => node.inputs[0]))], preprocess);
  try {
    let item = 0;
    for await (const inputs of readItems(data, indices)) {
      const values = model.run(inputs);
      for (const [node, view] of views) addPatches(moments.get(node)!, view, values.get(node.inputs[0])!, indices.length, item);
      item++;
    }
    return moments;
  } finally {
    model.dispose();
  }
}

/** Evenly spaced patches, from another start in each item; those with NaN or infinities are left out. */
function addPatches(moments: Moments, view: LayerView, x: ArrayLike<number>, items: number, item: number): void {
  const step = Math.max(1, Math.floor((view.patches * items) / PATCHES));
  const patch = new Float64Array(view.k);
  for (let index = (item * 7919) % step; index < view.patches; index += step) {
    for (let group = 0; group < view.groups; group++) {
      view.patch(x, group, index, patch);
      if (patch.every(Number.isFinite)) addOuter(moments[group], patch);
    }
  }
}

/** The lower triangle suffices. */
function addOuter(matrix: Float64Array, x: Float64Array): void {
  const k = x.length;
  for (let i = 0; i < k; i++) {
    const xi = x[i];
    if (xi === 0) continue;
    for (let j = 0, at = i * k; j <= i; j++) matrix[at + j] += xi * x[j];
  }
}
