/** Linear layers as what they are for rounding: each output is a weight row times a patch of the input. */
import type { Graph, Node } from "../graph/graph.ts";
import { type Window, windowOf } from "../ops/window.ts";
import { elementCount } from "../tensor/index.ts";

export interface LayerView {
  readonly outputs: number;
  /** Groups of outputs that read patches of their own. */
  readonly groups: number;
  /** Length of a patch. */
  readonly k: number;
  /** Patches of one inference, per group. */
  readonly patches: number;
  /** Where weight r of an output lies in the weights' data. */
  weight(output: number, r: number): number;
  /** Writes patch `index` of a group to `to`; what falls into padding is 0. */
  patch(x: ArrayLike<number>, group: number, index: number, to: Float64Array): void;
}

/** The view of a linear layer of an inferred graph, or undefined for an operator that is read in no such way. */
export function layerView(graph: Graph, node: Node): LayerView | undefined {
  const [input, weights] = node.inputs.map((value) => graph.types.get(value)!.shape);
  if (node.op === "Conv") return convView(node, input, weights);
  if (node.op === "MatMul" && weights.length >= 2) return matmulView(input, weights);
  return undefined;
}

function convView(node: Node, input: readonly number[], weights: readonly number[]): LayerView {
  const [outputs, perGroup, ...kernel] = weights;
  const window = windowOf(node, input, kernel);
  const taps = elementCount(kernel);
  const positions = elementCount(window.out);
  const pixels = elementCount(window.in);
  const last = node.attrs.layout === "NHWC";
  const [pixel, channel] = last ? [window.channels, 1] : [1, pixels];
  const k = perGroup * taps;
  return {
    outputs,
    groups: window.channels / perGroup,
    k,
    patches: window.batch * positions,
    weight: (output, r) => output * k + r,
    patch(x, group, index, to) {
      const first = Math.floor(index / positions) * pixels * window.channels + group * perGroup * channel;
      const at = unravel(index % positions, window.out);
      to.fill(0);
      for (let tap = 0; tap < taps; tap++) {
        const place = tapPlace(window, at, unravel(tap, kernel));
        if (place < 0) continue;
        for (let c = 0; c < perGroup; c++) to[c * taps + tap] = x[first + c * channel + place * pixel];
      }
    },
  };
}

/** Coordinates of a flat index. */
function unravel(index: number, sizes: readonly number[]): number[] {
  const at = new Array<number>(sizes.length);
  for (let axis = sizes.length - 1, rest = index; axis >= 0; axis--) {
    at[axis] = rest % sizes[axis];
    rest = Math.floor(rest / sizes[axis]);
  }
  return at;
}

/** The pixel that a tap reads, as a flat index; -1 in the padding. */
function tapPlace(window: Window, at: readonly number[], tap: readonly number[]): number {
  let place = 0;
  for (let axis = 0; axis < at.length; axis++) {
    const i = at[axis] * window.stride[axis] + tap[axis] * window.dilation[axis] - window.pad[axis];
    if (i < 0 || i >= window.in[axis]) return -1;
    place = place * window.in[axis] + i;
  }
  return place;
}

function matmulView(input: readonly number[], weights: readonly number[]): LayerView {
  const [k, outputs] = weights.slice(-2);
  return {
    outputs,
    groups: 1,
    k,
    patches: elementCount(input) / k,
    weight: (output, r) => r * outputs + output,
    patch(x, _group, index, to) {
      for (let r = 0; r < k; r++) to[r] = x[index * k + r];
    },
  };
}
