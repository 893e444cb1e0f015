/** The graph without some classes of channels: shorter axes, smaller constants, the same operators. */

import { freshNames, prune } from "../../graph/edit.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { inferTypes } from "../../semantics/infer.ts";
import { elementCount, i64, normalizeAxis, type Shape, stridesOf, type Tensor } from "../../tensor/index.ts";
import type { Coupling } from "./coupling.ts";
import { sliceStart } from "./coupling-rules.ts";
import type { Axes } from "./labels.ts";

/**
 * The classes that may go together without leaving an axis empty: where all of one would go, the first of it stays, with all that goes with it.
 */
export function leavingSome({ axes }: Coupling, classes: ReadonlySet<number>): ReadonlySet<number> {
  const removed = new Set(classes);
  for (const list of axes.values()) for (const places of list) if (places?.every((c) => removed.has(c))) removed.delete(places[0]);
  return removed;
}

/**
 * Takes classes out of an inferred graph. What is left computes what it did wherever weights that read the removed channels are 0. Call it with what `leavingSome` gave.
 */
export function withoutClasses(graph: Graph, { axes }: Coupling, removed: ReadonlySet<number>): Graph {
  if (removed.size === 0) return graph;
  const keptOf = (list: Axes | undefined, axis: number): number[] | undefined => {
    const places = list?.[axis];
    return places && Array.from(places.keys()).filter((i) => !removed.has(places[i]));
  };
  const shapeOf = (name: string): Shape => graph.types.get(name)!.shape.map((d, axis) => keptOf(axes.get(name), axis)?.length ?? d);
  const isTouched = (name: string): boolean => axes.get(name)?.some((places) => places?.some((c) => removed.has(c))) ?? false;
  const constants = new Map(graph.constants);
  for (const [name, list] of axes) {
    const constant = graph.constants.get(name);
    if (constant)
      constants.set(
        name,
        list.reduce((t, _, axis) => taken(t, axis, keptOf(list, axis)), constant),
      );
  }
  const fresh = freshNames(graph);
  const numbers = (base: string, data: ArrayLike<number>): string => {
    const name = fresh(base);
    constants.set(name, i64(data));
    return name;
  };
  const nodes = graph.nodes.map((node) => {
    const rewrite = [...node.inputs, ...node.outputs].some(isTouched) ? REWRITES[node.op] : undefined;
    return rewrite ? rewrite({ node, graph, shapeOf, numbers, kept: (name, axis) => keptOf(axes.get(name), axis) }) : node;
  });
  return inferTypes(prune({ ...graph, nodes, constants }));
}

/** A tensor with these places along an axis. */
function taken(tensor: Tensor, axis: number, places: readonly number[] | undefined): Tensor {
  if (!places || places.length === tensor.shape[axis]) return tensor;
  const shape = tensor.shape.with(axis, places.length);
  const inner = stridesOf(tensor.shape)[axis];
  const outer = elementCount(tensor.shape.slice(0, axis));
  const data = new (tensor.data.constructor as Float32ArrayConstructor)(elementCount(shape));
  for (let o = 0, at = 0; o < outer; o++)
    for (const place of places) {
      const from = (o * tensor.shape[axis] + place) * inner;
      data.set(tensor.data.subarray(from, from + inner), at);
      at += inner;
    }
  return { ...tensor, shape, data };
}

interface Rewriting {
  readonly node: Node;
  readonly graph: Graph;
  shapeOf(name: string): Shape;
  /** Places that are left along an axis that may be shorter. */
  kept(name: string, axis: number): readonly number[] | undefined;
  numbers(base: string, data: ArrayLike<number>): string;
}

/** The node with its target shape, as a constant at this input, for its output's new shape. */
const withTarget =
  (index: number) =>
  ({ node, shapeOf, numbers }: Rewriting): Node => ({
    ...node,
    inputs: node.inputs.with(index, numbers(`${node.name}.shape`, shapeOf(node.outputs[0]))),
    attrs: "allowzero" in node.attrs ? { ...node.attrs, allowzero: 1 } : node.attrs,
  });

/** How operators that name sizes name the new ones. */
const REWRITES: Readonly<Record<string, (at: Rewriting) => Node>> = {
  Reshape: withTarget(1),
  Resize: (at) => (at.node.inputs[3] && !at.node.attrs.axes ? withTarget(3)(at) : at.node),
  Conv({ node, graph, shapeOf }) {
    const groups = node.attrs.group as number;
    if (groups === 1) return node;
    const weights = node.inputs[1];
    const perGroup = graph.types.get(weights)!.shape[0] / groups;
    return { ...node, attrs: { ...node.attrs, group: shapeOf(weights)[0] / perGroup } };
  },
  Split({ node, shapeOf, numbers }) {
    const axis = normalizeAxis(node.attrs.axis as number, shapeOf(node.inputs[0]).length);
    const parts = node.outputs.map((output) => shapeOf(output)[axis]);
    return { ...node, inputs: [node.inputs[0], numbers(`${node.name}.split`, parts)], attrs: { ...node.attrs, num_outputs: undefined } };
  },
  Slice({ node, graph, shapeOf, kept, numbers }) {
    const [input] = node.inputs;
    const { shape } = graph.types.get(input)!;
    const constant = (i: number): Tensor | undefined => graph.constants.get(node.inputs[i] ?? "");
    const [starts, ends] = [1, 2].map((i) => Array.from(constant(i)!.data));
    const axes = constant(3) ? Array.from(constant(3)!.data, (axis) => normalizeAxis(axis, shape.length)) : starts.map((_, i) => i);
    axes.forEach((axis, i) => {
      const places = kept(input, axis);
      if (!places) return;
      const start = sliceStart(shape, (index) => constant(index)?.data, axis)!;
      starts[i] = places.filter((place) => place < start).length;
      ends[i] = starts[i] + shapeOf(node.outputs[0])[axis];
    });
    const bounds = [numbers(`${node.name}.starts`, starts), numbers(`${node.name}.ends`, ends)];
    return { ...node, inputs: [input, ...bounds, ...node.inputs.slice(3)] };
  },
};
