import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { InferContext, OpDef } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { nodeProblems } from "../ops/node.ts";
import { elementCount, formatType, type Tensor, type TensorType, typeOf } from "../tensor/index.ts";
import { subgraphs } from "./subgraphs.ts";

/** No tensor of a model may have more elements than this: its bytes would not fit a wasm memory. */
export const MAX_ELEMENTS = 2 ** 30;

/** Shape arithmetic is followed up to this much work at a node. */
export const SHAPE_WORK = 4096;

export interface Inferred {
  readonly types: readonly TensorType[];
  /** The outputs themselves, where they follow from constants or from types, and the work is within the limit. */
  readonly values?: readonly Tensor[];
  /** Elements of all outputs, and the multiply-accumulates behind them as far as they count. */
  readonly work: number;
}

/** This many multiply-accumulates are as much work as an element. */
const MACS_PER_ELEMENT = 16;

/**
 * Types of a node's outputs, from the types of its inputs and the constants among them; their values too, where work of at most `limit` gives them.
 * Throws RangeError with a reason where they do not fit the operator, or an output would be larger than memory.
 */
export function inferNode(
  node: Node,
  typeOfValue: (name: string) => TensorType | undefined,
  constantOf: (name: string) => Tensor | undefined,
  limit = 0,
): Inferred {
  const problems = nodeProblems(node);
  if (problems.length) throw new RangeError(problems.join("; "));
  const def = opOf(node.op)!;
  const inputs = node.inputs.map((name) => (name === "" ? undefined : typeOfValue(name)));
  const constants = node.inputs.map((name) => (name === "" ? undefined : constantOf(name)));
  const ctx = { node, inputs, constant: (index: number) => constants[index] };
  const types = bounded(def, ctx, def.infer(ctx, subgraphs).slice(0, node.outputs.length));
  if (types.length < node.outputs.length) throw new RangeError(`output ${types.length + 1} is not supported`);
  for (const { shape } of types) {
    if (!(elementCount(shape) <= MAX_ELEMENTS)) throw new RangeError(`an output of shape [${shape}] is larger than memory`);
  }
  const macs = def.macs?.(node, inputs, types[0]) ?? 0;
  const work = types.reduce((n, { shape }) => n + elementCount(shape), macs / MACS_PER_ELEMENT);
  if (work > limit) return { types, work };
  const known = !def.bodies && node.inputs.every((name, i) => name === "" || constants[i]) && !def.keep?.(ctx);
  const values = def.fold?.(ctx, subgraphs) ?? (known ? def.eval({ node, inputs: constants }, subgraphs) : undefined);
  return values ? { types: types.map((type, i) => (type.bound ? typeOf(values[i]) : type)), values, work } : { types, work };
}

/** The types with the bounds that come from bounded inputs; throws RangeError where the operator cannot take one. */
function bounded(def: OpDef, ctx: InferContext, types: readonly TensorType[]): readonly TensorType[] {
  const { inputs } = ctx;
  if (!inputs.some((input) => input?.bound)) return types;
  return types.map((output) => {
    const bounds = inputs.map((input, index) => input?.bound && def.bound?.({ ...ctx, index, bound: input.bound, output }));
    const [bound] = bounds.filter((b) => b !== undefined);
    for (const [i, input] of inputs.entries()) {
      if (!input?.bound || (bounds[i] && bounds[i].axis === bound?.axis)) continue;
      throw new RangeError(
        `input ${i} is ${formatType(input)}, of which data decide how much is there, and the operator would need all; stop the model before it and do the rest outside`,
      );
    }
    return { ...output, bound: bound && { axis: bound.axis, zeros: bounds.every((b) => b?.zeros !== false) && bound.zeros } };
  });
}

/** All that is evaluated in one walk is at most this much work, so that a small file can neither fill memory nor take minutes. */
const WALK_WORK = 2 ** 25;

/** Steps through a graph in order; what `inferTypes` and the folding pass share. */
export interface Walk {
  /** The nodes that were walked: those of the graph, or what an expansion put in their place. */
  readonly nodes: readonly Node[];
  readonly types: Map<string, TensorType>;
  readonly constants: Map<string, Tensor>;
}

/** Nodes to walk in place of one, as it stands with what is known so far, to which it may add constants; undefined to leave it. */
export type Expansion = (node: Node, known: Pick<Walk, "types" | "constants">) => readonly Node[] | undefined;

/**
 * Infers every node in order, and evaluates those that follow from constants by work of at most `limit`.
 * Throws GRAPH_INVALID with every node whose inputs are known but do not fit.
 */
export function walkTypes(graph: Graph, limit: number, expand?: Expansion): Walk {
  const constants = new Map(graph.constants);
  const types = new Map<string, TensorType>();
  const nodes: Node[] = [];
  for (const name of graph.inputs) {
    const type = graph.types.get(name);
    if (type) types.set(name, type);
  }
  for (const [name, tensor] of constants) types.set(name, typeOf(tensor));
  const problems: string[] = [];
  let room = WALK_WORK;
  const waiting = graph.nodes.toReversed();
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const known = node.inputs.every((name) => name === "" || types.has(name));
    try {
      const expanded = known ? expand?.(node, { types, constants }) : undefined;
      if (expanded) {
        for (const inner of expanded.toReversed()) waiting.push(inner);
        continue;
      }
      nodes.push(node);
      if (!known) continue;
      const inferred = inferNode(
        node,
        (name) => types.get(name),
        (name) => constants.get(name),
        Math.min(limit, room),
      );
      node.outputs.forEach((name, i) => {
        types.set(name, inferred.types[i]);
        if (inferred.values) constants.set(name, inferred.values[i]);
      });
      if (inferred.values) room -= inferred.work;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`${node.op} ${node.name}: ${error.message}`);
    }
  }
  if (problems.length) throw new EdgepackError("GRAPH_INVALID", "These nodes cannot be given types:", problems);
  return { nodes, types, constants };
}

/** The graph with the type of every value; shape arithmetic on constants is followed, but stays in the graph. Throws GRAPH_INVALID. */
export function inferTypes(graph: Graph): Graph {
  return { ...graph, types: walkTypes(graph, SHAPE_WORK).types };
}
