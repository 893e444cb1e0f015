import type { AttrValue, Graph, Node } from "../graph/graph.ts";
import { type Bound, f32, type Tensor, type TensorType } from "../tensor/index.ts";
import type { Lowering } from "./lowering.ts";

/** How an attribute is read: its kind, and its default (`undefined`: absent by default; `required`: the model must give it). */
export interface AttrSpec {
  readonly kind: "int" | "float" | "string" | "ints" | "floats" | "strings" | "tensor" | "graph";
  readonly default?: AttrValue;
  readonly required?: boolean;
}

export const attr = {
  int: (value?: number): AttrSpec => ({ kind: "int", default: value }),
  float: (value?: number): AttrSpec => ({ kind: "float", default: value }),
  string: (value?: string): AttrSpec => ({ kind: "string", default: value }),
  ints: (value?: readonly number[]): AttrSpec => ({ kind: "ints", default: value }),
  floats: (value?: readonly number[]): AttrSpec => ({ kind: "floats", default: value }),
  strings: (value?: readonly string[]): AttrSpec => ({ kind: "strings", default: value }),
  tensor: (): AttrSpec => ({ kind: "tensor" }),
  graph: (): AttrSpec => ({ kind: "graph" }),
  required: (spec: AttrSpec): AttrSpec => ({ ...spec, required: true }),
};

/** What `infer` may look at. Absent optional inputs are undefined. */
export interface InferContext {
  readonly node: Node;
  readonly inputs: readonly (TensorType | undefined)[];
  /** The data of an input that is constant, by its position. */
  constant(index: number): Tensor | undefined;
}

/** An input, by its position, of which only part is there, and the type of the output in question. */
export interface BoundContext extends InferContext {
  readonly index: number;
  readonly bound: Bound;
  readonly output: TensorType;
}

/** A subgraph of a node and what it is given, input by input; `value` where that is the same whenever the subgraph runs. */
export interface Body {
  readonly attr: string;
  readonly graph: Graph;
  readonly inputs: readonly { readonly type: TensorType; readonly value?: Tensor }[];
}

/** The types of a subgraph's outputs, and their data where they follow from what is given. */
export type BodyOutputs = readonly { readonly type: TensorType; readonly value?: Tensor }[];

/** Inference and evaluation of subgraphs, handed to an operator by whoever infers or evaluates its node. */
export interface Subgraphs {
  /** Throws RangeError with all that does not fit inside. */
  infer(body: Body): BodyOutputs;
  /** The outputs on inputs by their places. */
  evaluate(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[];
}

export interface EvalContext {
  readonly node: Node;
  readonly inputs: readonly (Tensor | undefined)[];
}

/**
 * How an operator takes part in int8:
 * - `linear`: integer multiply-accumulate with constant weights at input 1 and an optional f32 bias at input 2; writes i8, or f32 where
 *   nobody reads i8. `axis` is the axis of the weights that output channels lie along, undefined where there is no integer kernel for them;
 *   `weightsOnly` tells layers whose weights alone are put on a grid where inputs would have to be quantized while the model runs.
 * - `rescale`: an integer kernel in which each input and the output has a grid of its own.
 * - `same`: moves elements or picks among them; the output keeps the grid of input 0.
 * - `table`: a function of input 0 alone, by a table of 256.
 * An operator without a rule stays in f32.
 */
export type QuantizeRule =
  | {
      readonly kind: "linear";
      axis(node: Node, weight: TensorType): number | undefined;
      /** The axis along which the weights may lie in blocks with scales of their own, undefined where there is no kernel for it. */
      blockAxis?(node: Node, weight: TensorType): number | undefined;
      weightsOnly?(node: Node, input: TensorType, weight: TensorType): boolean;
    }
  | { readonly kind: "rescale" }
  | { readonly kind: "same" }
  | { readonly kind: "table" };

/** One example for the suites: inputs by position (undefined where absent), attributes, and which inputs are constants of the graph. */
export interface OpCase {
  readonly name: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attrs?: Readonly<Record<string, AttrValue>>;
  readonly constants?: readonly number[];
  readonly quant?: Node["quant"];
  readonly outputs?: number;
}

/** Values for cases: a sine that visits no value twice, of amplitude 1. */
export function wave(shape: readonly number[], step = 1): Tensor {
  const data = Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i * step * 0.7 + step));
  return f32(data, shape);
}

/** A node as some opset wrote it, before it is raised to the form that the IR speaks. */
export interface RawNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

export interface UpgradeContext {
  readonly opset: number;
  /** Adds a constant to the graph and returns its name. */
  constant(value: Tensor): string;
  /** ONNX's code of a constant's element type, which may say more than the IR's; undefined where it is no constant of this graph. */
  elementType(value: string): number | undefined;
  /** A fresh value name, for upgrades that need several nodes. */
  fresh(): string;
}

/** What `inline` builds with. */
export interface Inlining extends InferContext {
  /** Adds the nodes of a subgraph on these values and returns the names of its outputs. */
  body(graph: Graph, inputs: readonly string[]): readonly string[];
  /** Adds a node and returns its first output. */
  add(op: string, inputs: readonly string[], attrs?: Node["attrs"], outputs?: readonly string[]): string;
  /** Adds a constant and returns its name. */
  value(tensor: Tensor, base?: string): string;
  /** Whether so many copies of a subgraph are few enough to stand in the graph; `needed` where the node has no types without them. */
  fits(graph: Graph, copies: number, needed: boolean): boolean;
}

/** What `decompose` builds with. Values that it adds have types at once, and are constants where they follow from constants. */
export interface Decomposition {
  readonly node: Node;
  type(value: string): TensorType;
  constant(value: string): Tensor | undefined;
  /** Adds a node and returns its first output. `outputs` are those of the node that is taken apart, where the new one writes them. */
  add(op: string, inputs: readonly string[], attrs?: Node["attrs"], outputs?: readonly string[], quant?: Node["quant"]): string;
  /** Adds a constant and returns its name. */
  value(tensor: Tensor): string;
  /** A name that no value has, for a node of several outputs. */
  fresh(base: string): string;
}

/**
 * Everything edgepack knows of an operator. The exported name is the ONNX op_type, and attributes and inputs are those of ONNX opset 17
 * (of the opset that brought the operator, where that is newer); `upgrade` raises older forms to it.
 */
export interface OpDef {
  /** The operator set that has it, where that is not ONNX's own; `edgepack` for operators that only passes write. */
  readonly domain?: "com.microsoft" | "edgepack";
  /** Attributes of the newest form. `upgrade` sees all that the model gave; what is left unknown after it is an error. */
  readonly attrs: Readonly<Record<string, AttrSpec>>;
  /** Fewest and most inputs. */
  readonly arity: readonly [number, number];
  /** The number of outputs is part of what is asked for (Split), so outputs that nobody reads stay. */
  readonly variadicOutputs?: true;
  /** How far the kernels may be from `eval`: bit for bit, or within this relative and absolute difference. */
  readonly tolerance: "exact" | number;
  /** Types of the outputs; throws RangeError with a reason where inputs do not fit. */
  infer(ctx: InferContext, subgraphs: Subgraphs): readonly TensorType[];
  /** The definition, in plain TypeScript. */
  eval(ctx: EvalContext, subgraphs: Subgraphs): readonly Tensor[];
  /** Result where it follows from types alone (Shape). */
  fold?(ctx: InferContext, subgraphs: Subgraphs): readonly Tensor[] | undefined;
  /** Whether it stays in the graph though all its inputs are constant. */
  keep?(ctx: InferContext): boolean;
  /** The subgraphs that may run; throws RangeError where the node's inputs do not fit them. */
  bodies?(ctx: InferContext): readonly Body[];
  /** Puts nodes of its subgraphs in the place of the operator, where it is settled which of them run; false to leave it. */
  inline?(ctx: Inlining, subgraphs: Subgraphs): boolean;
  /**
   * What the bound of an input becomes in an output, for operators that compute each place along the axis from that place alone, so that places that are
   * not there do no harm. Absent, or undefined: the operator needs to know how much there is.
   */
  bound?(ctx: BoundContext): Bound | undefined;
  /** Nodes of the newest form for one of an older opset; unchanged nodes are returned as they are. */
  upgrade?(node: RawNode, ctx: UpgradeContext): readonly RawNode[];
  /**
   * The same operator on inputs whose axes were permuted: input i of the new node is input i of the old with axis `perm[k]` at place k.
   * Gives the changed attributes, new data for constant inputs that name axes, and the permutation that the output now has (undefined: none
   * is needed). Absent: layout matters, leave it.
   */
  permute?(
    node: Node,
    perm: readonly number[],
    types: { inputs: readonly (TensorType | undefined)[]; constant?(index: number): Tensor | undefined },
  ): { attrs?: Node["attrs"]; inputs?: "all" | "first"; constants?: ReadonlyMap<number, Tensor>; perm?: readonly number[] } | undefined;
  readonly quantize?: QuantizeRule;
  /** Multiply-accumulates of one inference; absent means none worth counting. */
  macs?(node: Node, inputs: readonly (TensorType | undefined)[], output: TensorType): number;
  /**
   * Takes the operator apart into others, the last of which write its outputs; one that adds nothing is left as it is. Runs in the f32 graph after
   * constants are folded; throws RangeError with a reason where the node cannot be had.
   */
  decompose?(parts: Decomposition): void;
  /** Writes plan records. Absent: the operator must be taken apart or fold away before a plan is made. */
  lower?(ctx: Lowering): void;
  readonly cases: readonly OpCase[];
}

/** Declares an operator; the types do the checking. */
export function defineOp(def: OpDef): OpDef {
  return def;
}
