/**
 * Which channels, heads and neurons of a graph can only go together: the dependency graph of structured pruning (DepGraph, Fang et al. 2023), kept for each single
 * place along each axis. Outputs of linear layers start labels; rules of operators (`RULES`) say where they go; inputs of linear layers end them. What an operator without
 * a rule reads stays whole, and so do values on integer grids and the inputs and outputs of the graph.
 */
import { consumersOf, type Graph, type Node } from "../../graph/graph.ts";
import type { Tensor, TensorType } from "../../tensor/index.ts";
import { RULES } from "./coupling-rules.ts";
import { type Axes, Classes, type Labels, PINNED } from "./labels.ts";

/** How a constant is used: `source` and `reader` are the axes of weights along which a layer's outputs and inputs lie. */
export interface Role {
  readonly source?: number;
  readonly reader?: number;
}

/** What a rule sees of a node. */
export interface Site {
  readonly node: Node;
  readonly inputs: readonly (TensorType | undefined)[];
  readonly outputs: readonly TensorType[];
  readonly classes: Classes;
  constant(index: number): Tensor | undefined;
  /** Labels of an input; none for constants. */
  axes(index: number): Axes;
  /** Says how a constant input goes with labels. Constants that a rule does not speak of keep their shape. */
  attach(index: number, axes: Axes, role?: Role): void;
}

/** Labels of the outputs' axes; undefined where the operator needs its inputs whole. */
export type Rule = (site: Site) => readonly Axes[] | undefined;

/** One use of a constant. */
interface Use extends Role {
  readonly node: Node;
  readonly axes: Axes;
}

/** Weights of a layer by which it reads, or writes, channels. `classes` has one for each place along `axis`. */
export interface End {
  readonly node: Node;
  readonly weights: string;
  readonly axis: number;
  readonly classes: Labels;
}

export interface Coupling {
  /** By value or constant, the class of each place along each axis; undefined where all stay. Class 0 stays. */
  readonly axes: ReadonlyMap<string, Axes>;
  /** Where channels are made, and where they are read by weights. */
  readonly sources: readonly End[];
  readonly readers: readonly End[];
}

/** Couples the channels of an inferred graph. */
export function coupleChannels(graph: Graph): Coupling {
  const classes = new Classes();
  const axes = new Map<string, Axes>();
  const uses = new Map<string, Use[]>();
  for (const node of graph.nodes) {
    const site: Site = {
      node,
      classes,
      inputs: node.inputs.map((name) => graph.types.get(name)),
      outputs: node.outputs.map((name) => graph.types.get(name)!),
      constant: (index) => graph.constants.get(node.inputs[index] ?? ""),
      axes: (index) => axes.get(node.inputs[index] ?? "") ?? [],
      attach(index, labels, role) {
        const name = node.inputs[index];
        uses.set(name, [...(uses.get(name) ?? []), { node, axes: labels, ...role }]);
      },
    };
    const onGrids = node.quant || site.inputs.some((type) => type?.quant);
    const found = onGrids ? undefined : RULES[node.op]?.(site);
    if (found) for (const [i, name] of node.outputs.entries()) axes.set(name, found[i]);
    else for (const name of node.inputs) for (const labels of axes.get(name) ?? []) classes.pin(labels);
  }
  for (const output of graph.outputs) for (const labels of axes.get(output) ?? []) classes.pin(labels);
  for (const [name, axesOf] of constantAxes(graph, uses, classes)) axes.set(name, axesOf);
  return settle(axes, uses, classes);
}

/** A constant gets the labels on which all that use it agree. */
function constantAxes(graph: Graph, uses: ReadonlyMap<string, readonly Use[]>, classes: Classes): Map<string, Axes> {
  const consumers = consumersOf(graph);
  const found = new Map<string, Axes>();
  for (const [name, list] of uses) {
    const { shape } = graph.constants.get(name)!;
    const reads = consumers.get(name)!.reduce((n, node) => n + node.inputs.filter((input) => input === name).length, 0);
    const agreed = reads === list.length && !graph.outputs.includes(name);
    const axes = shape.map((_, axis): Labels | undefined => {
      const labels = list.map((use) => use.axes[axis]);
      const [first] = labels;
      if (agreed && first && labels.every((other) => other !== undefined)) {
        for (const other of labels) classes.joinAll(first, other);
        return first;
      }
      for (const other of labels) classes.pin(other);
      return undefined;
    });
    found.set(name, axes);
  }
  return found;
}

/** Labels become classes, arrays that were one stay one, and axes of which nothing can go have none. */
function settle(axes: ReadonlyMap<string, Axes>, uses: ReadonlyMap<string, readonly Use[]>, classes: Classes): Coupling {
  const settled = new Map<Labels, Labels>();
  const classesOf = (labels: Labels): Labels => {
    const known = settled.get(labels) ?? labels.map((label) => classes.of(label));
    settled.set(labels, known);
    return known;
  };
  const ends = (role: keyof Role): End[] =>
    [...uses].flatMap(([weights, list]) =>
      list.flatMap((use) => {
        const axis = use[role];
        const labels = axis === undefined ? undefined : use.axes[axis];
        return labels && axis !== undefined ? [{ node: use.node, weights, axis, classes: classesOf(labels) }] : [];
      }),
    );
  const free = (labels: Labels | undefined): Labels | undefined => {
    const known = labels && classesOf(labels);
    return known?.some((c) => c !== PINNED) ? known : undefined;
  };
  return {
    axes: new Map([...axes].map(([name, list]) => [name, list.map(free)] as const).filter(([, list]) => list.some((l) => l))),
    sources: ends("source"),
    readers: ends("reader"),
  };
}
