/**
 * Selection of whole channels, heads and neurons. Classes go one by one, each time that which costs the outputs of the layers that read it least for what it saves, until the
 * graph is within its budget.
 */
import { EdgepackError } from "../../errors.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { opOf } from "../../ops/index.ts";
import { elementCount, type TensorType } from "../../tensor/index.ts";
import type { Moments } from "../moments.ts";
import { classCosts } from "./channel-costs.ts";
import { type Coupling, coupleChannels } from "./coupling.ts";
import { type Axes, type Labels, PINNED } from "./labels.ts";
import { keepAll, type Mask } from "./mask.ts";
import { leavingSome } from "./shrink.ts";

/** What may be left, as a share, 0..1, of the multiply-accumulates that the graph has, or of its weights. */
export type Budget = { readonly macs: number } | { readonly parameters: number };

export interface ChannelOptions {
  /** Moments of layers' inputs: with them, a channel costs the error that is left when others make up for it; without, the size of its weights. */
  readonly moments?: ReadonlyMap<Node, Moments>;
  /** The largest share of the channels of one kind that may go, 0..1. */
  readonly most?: number;
}

/**
 * A mask of whole channels with which the graph, once `removeDeadChannels` took them out, is within the budget. It takes the weights that write the channels (with their biases) and
 * those that read them. Throws RangeError for a budget outside 0..1, LIMIT where all channels that may go are not enough.
 */
export function selectChannels(graph: Graph, budget: Budget, { moments, most = 0.9 }: ChannelOptions = {}): Mask {
  const [share, items] = "macs" in budget ? [budget.macs, macsItems(graph)] : [budget.parameters, parameterItems(graph)];
  if (!(share > 0 && share <= 1)) throw new RangeError(`a share of ${share} is not within 0..1`);
  const coupling = coupleChannels(graph);
  const sizes = new Sizes(graph, coupling, items);
  const costs = classCosts(graph, coupling, moments);
  const wanted = share * sizes.total;
  const queues = familiesOf(coupling, costs).map((family) => ({ ...family, next: 0, last: Math.floor(most * family.classes.length) }));
  const removed = new Set<number>();
  while (sizes.total > wanted) {
    const open = queues.filter(({ next, last }) => next < last);
    const rate = (queue: (typeof open)[number]): number =>
      costs.get(queue.classes[queue.next])! / Math.max(sizes.saved(queue.places), Number.MIN_VALUE);
    const rates = open.map(rate);
    const best = rates.reduce((at, r, i) => (at < 0 || r < rates[at] ? i : at), -1);
    if (best < 0)
      throw new EdgepackError(
        "LIMIT",
        `Channels that may be removed leave ${graph.name} at ${Math.ceil((sizes.total / sizes.before) * 1000) / 10} % of its ${"macs" in budget ? "multiply-accumulates" : "weights"}, the budget is ${share * 100} %. Raise the budget, or remove single weights.`,
      );
    removed.add(open[best].classes[open[best].next++]);
    sizes.shorten(open[best].places);
  }
  return channelMask(graph, coupling, leavingSome(coupling, removed));
}

/** The mask that takes these classes: all weights that write them or read them, and what is added to them. */
export function channelMask(graph: Graph, coupling: Coupling, removed: ReadonlySet<number>): Mask {
  const layers = new Set([...coupling.sources, ...coupling.readers].map(({ node }) => node));
  const names = new Set([...layers].flatMap(({ inputs }) => inputs.slice(1, 3)));
  return new Map(
    [...names].flatMap((name) => {
      const axes = coupling.axes.get(name);
      if (!axes) return [];
      const { shape } = graph.constants.get(name)!;
      const entry = keepAll(shape);
      let inner = 1;
      for (let axis = shape.length - 1; axis >= 0; inner *= shape[axis--]) {
        const classes = axes[axis];
        if (!classes) continue;
        for (let i = 0; i < entry.data.length; i++) if (removed.has(classes[Math.floor(i / inner) % shape[axis]])) entry.data[i] = 1;
      }
      return [[name, entry] as const];
    }),
  );
}

/** Classes that lie along the same axes, as many times along each: channels of one kind, the cheapest first. */
interface Family {
  readonly classes: readonly number[];
  /** Places along each axis that one class takes. */
  readonly places: ReadonlyMap<Labels, number>;
}

function familiesOf({ axes }: Coupling, costs: ReadonlyMap<number, number>): Family[] {
  const places = new Map<number, Map<Labels, number>>();
  const numbers = new Map<Labels, number>();
  for (const list of axes.values())
    for (const labels of list) {
      if (!labels || numbers.has(labels)) continue;
      numbers.set(labels, numbers.size);
      for (const c of labels) {
        const own = places.get(c) ?? new Map<Labels, number>();
        places.set(c, own.set(labels, (own.get(labels) ?? 0) + 1));
      }
    }
  const families = new Map<string, { classes: number[]; places: ReadonlyMap<Labels, number> }>();
  for (const [c, own] of places) {
    if (c === PINNED || !costs.has(c)) continue;
    const key = [...own].map(([labels, n]) => `${numbers.get(labels)}:${n}`).join();
    const family = families.get(key);
    if (family) family.classes.push(c);
    else families.set(key, { classes: [c], places: own });
  }
  return [...families.values()].map((family) => ({ ...family, classes: family.classes.toSorted((a, b) => costs.get(a)! - costs.get(b)!) }));
}

/** Something that has a size which follows from the shapes of values. */
interface Item {
  readonly values: readonly string[];
  size(types: readonly (TensorType | undefined)[]): number;
}

function macsItems(graph: Graph): readonly Item[] {
  return graph.nodes.flatMap((node) => {
    const macs = opOf(node.op)?.macs;
    if (!macs) return [];
    return [{ values: [node.outputs[0], ...node.inputs], size: ([output, ...inputs]) => macs(node, inputs, output!) } satisfies Item];
  });
}

function parameterItems(graph: Graph): readonly Item[] {
  const weights = [...graph.constants].filter(([, { dtype }]) => dtype === "f32");
  return weights.map(([name]) => ({ values: [name], size: ([type]) => elementCount(type!.shape) }));
}

/** Sizes of items while axes get shorter. */
class Sizes {
  readonly before: number;
  total: number;
  readonly #graph: Graph;
  readonly #axes: ReadonlyMap<string, Axes>;
  readonly #lengths = new Map<Labels, number>();
  /** Items that depend on the length of an axis. */
  readonly #dependent = new Map<Labels, Set<Item>>();

  constructor(graph: Graph, { axes }: Coupling, items: readonly Item[]) {
    this.#graph = graph;
    this.#axes = axes;
    for (const item of items) {
      for (const labels of item.values.flatMap((name) => axes.get(name) ?? [])) {
        if (!labels) continue;
        this.#lengths.set(labels, labels.length);
        this.#dependent.set(labels, (this.#dependent.get(labels) ?? new Set()).add(item));
      }
    }
    this.total = items.reduce((sum, item) => sum + this.#sizeOf(item), 0);
    this.before = this.total;
  }

  /** By how much the total falls with one class that takes these places. */
  saved(places: ReadonlyMap<Labels, number>): number {
    const items = new Set([...places.keys()].flatMap((labels) => [...(this.#dependent.get(labels) ?? [])]));
    let saved = 0;
    for (const item of items) saved += this.#sizeOf(item) - this.#sizeOf(item, places);
    return saved;
  }

  shorten(places: ReadonlyMap<Labels, number>): void {
    this.total -= this.saved(places);
    for (const [labels, n] of places) this.#lengths.set(labels, (this.#lengths.get(labels) ?? labels.length) - n);
  }

  #sizeOf(item: Item, without?: ReadonlyMap<Labels, number>): number {
    return item.size(
      item.values.map((name) => {
        const type = this.#graph.types.get(name);
        const axes = this.#axes.get(name);
        if (!type || !axes) return type;
        const length = (labels: Labels): number => (this.#lengths.get(labels) ?? labels.length) - (without?.get(labels) ?? 0);
        return { ...type, shape: type.shape.map((d, axis) => (axes[axis] ? length(axes[axis]) : d)) };
      }),
    );
  }
}
