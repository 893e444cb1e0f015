import { freshNames, prune } from "../graph/edit.ts";
import { consumersOf, type Graph, type Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { makeNode } from "../ops/node.ts";
import { keepTogether } from "../ops/reshape.ts";
import { permutationOf } from "../ops/transpose.ts";
import { evaluateNode } from "../semantics/evaluate.ts";
import { inferNode } from "../semantics/infer.ts";
import { elementCount, i64, type Tensor, type TensorType, typeOf, withShape } from "../tensor/index.ts";

/**
 * Images in NHWC, which the kernels read. Each operator with a `layout` is switched, as if Transposes stood around it, and all
 * Transposes of the graph are moved down, towards the outputs, through operators that know how to work on permuted axes. They are not
 * written until a node needs the value in its own order, so inverse pairs vanish, several become one, and one that only moves axes of
 * size 1 is a Reshape.
 */
export function layout(graph: Graph): Graph {
  return new LayoutPass(graph, true).run();
}

/** Moves Transposes down in the same way, and leaves every operator the layout that it has. */
export function cancelTransposes(graph: Graph): Graph {
  return new LayoutPass(graph, false).run();
}

type Perm = readonly number[];

const NCHW_TO_NHWC: Perm = [0, 2, 3, 1];

const inverse = (perm: Perm): Perm => perm.map((_, i) => perm.indexOf(i));
/** First a, then b, as Transposes. */
const compose = (a: Perm, b: Perm): Perm => b.map((p) => a[p]);
const isIdentity = (perm: Perm): boolean => perm.every((p, i) => p === i);

/** A value that is Transpose(source, perm), whether or not it is written. */
interface View {
  readonly source: string;
  readonly perm: Perm;
}

class LayoutPass {
  private readonly graph: Graph;
  private readonly nodes: Node[] = [];
  private readonly constants: Map<string, Tensor>;
  private readonly types: Map<string, TensorType>;
  private readonly views = new Map<string, View>();
  /** Names under which transposed values are there, by `keyOf`. */
  private readonly written = new Map<string, string>();
  private readonly fresh: (base: string) => string;
  private readonly consumers: ReadonlyMap<string, readonly Node[]>;

  /** Whether images become NHWC. */
  private readonly switches: boolean;

  constructor(graph: Graph, switches: boolean) {
    this.graph = graph;
    this.switches = switches;
    this.constants = new Map(graph.constants);
    this.types = new Map(graph.types);
    this.fresh = freshNames(graph);
    this.consumers = consumersOf(graph);
  }

  run(): Graph {
    for (const node of this.graph.nodes) this.visit(node);
    return this.finish();
  }

  private visit(node: Node): void {
    if (node.op === "Transpose") {
      const perm = permutationOf(node, this.types.get(node.inputs[0])!);
      this.views.set(node.outputs[0], this.viewed(node.inputs[0], perm));
      return;
    }
    const perm = this.permutationFor(node);
    if (perm && this.permute(node, perm)) return;
    this.emit({ ...node, inputs: node.inputs.map((input) => this.read(input)) });
  }

  private finish(): Graph {
    for (const output of this.graph.outputs) {
      const view = this.views.get(output);
      if (!view || this.written.get(keyOf(view)) === output) continue;
      if (isIdentity(view.perm))
        this.emit(makeNode({ op: "Identity", name: this.fresh(output), inputs: [view.source], outputs: [output] }));
      else this.write(view, output);
    }
    return prune({ ...this.graph, nodes: this.nodes, constants: this.constants, types: this.types });
  }

  /** The order of axes in which a node would rather read its first input. */
  private permutationFor(node: Node): Perm | undefined {
    const type = this.types.get(node.inputs[0] ?? "");
    if (node.attrs.layout !== undefined && !this.switches) return undefined;
    if (node.attrs.layout === "NCHW" && type?.shape.length === 4) return NCHW_TO_NHWC;
    const view = node.inputs.map((input) => this.views.get(input)).find((v) => v !== undefined);
    // A scalar has no axes to bring into another order.
    return view && view.perm.length > 0 ? inverse(view.perm) : undefined;
  }

  /** Emits the node on permuted axes; false where it cannot, or where that would need more Transposes than it spares. */
  private permute(node: Node, given: Perm): boolean {
    const perm = this.regrouped(node, given) ?? given;
    const types = node.inputs.map((input) => (input === "" ? undefined : this.raised(input, perm.length)));
    const constant = (index: number) => this.constants.get(node.inputs[index]);
    const change = opOf(node.op)?.permute?.(node, perm, { inputs: types, constant });
    if (!change) return false;
    const all = change.inputs === "all";
    const turned = node.inputs.map((input, i) => (i === 0 || all ? this.turned(input, perm) : undefined));
    if (turned.includes(null) || !turned.some((view) => view) || !(all || turned[0])) return false;
    const fixed = node.attrs.layout !== undefined || perm !== given;
    const spared = turned.filter((view) => view && this.isInOrder(view)).length;
    const needed = turned.filter((view) => view && !this.isInOrder(view) && !this.written.has(keyOf(view))).length;
    if (!fixed && (spared === 0 || needed >= spared) && needed > 0) return false;

    const inputs = node.inputs.map((input, i) => {
      const data = change.constants?.get(i);
      if (data) return this.addConstant(input, data);
      const view = turned[i];
      if (!view) return this.read(input);
      return isIdentity(view.perm) ? view.source : (this.written.get(keyOf(view)) ?? this.write(view, this.fresh(named(input, perm))));
    });
    const back = change.perm && inverse(change.perm);
    const moved = back && !isIdentity(back);
    const outputs = node.outputs.map((output) => (moved ? this.fresh(named(output, change.perm!)) : output));
    this.emit({ ...node, inputs, outputs, attrs: change.attrs ?? node.attrs });
    if (moved) for (const [i, output] of node.outputs.entries()) this.views.set(output, { source: outputs[i], perm: back });
    return true;
  }

  /**
   * The order for a Reshape that joins axes which lie in another order, on their way to an image: they alone are exchanged, as in a shuffle of
   * channels, where its own order would take a Transpose before and one behind.
   */
  private regrouped({ op, inputs: [input], outputs: [output] }: Node, perm: Perm): Perm | undefined {
    if (op !== "Reshape" || !this.switches || !this.feedsImage(output)) return undefined;
    const [from, to] = [this.types.get(input)!.shape, this.graph.types.get(output)!.shape];
    const order = keepTogether(from, to, perm);
    return order && String(order) !== String(perm) ? order : undefined;
  }

  /** Whether an operator that reads channels last comes behind a value, after some that can work on permuted axes. */
  private feedsImage(value: string, depth = 4): boolean {
    return (this.consumers.get(value) ?? []).some(
      ({ op, attrs, outputs }) =>
        attrs.layout === "NCHW" || (depth > 0 && opOf(op)?.permute && outputs.some((output) => this.feedsImage(output, depth - 1))),
    );
  }

  /**
   * An input with its axes permuted: a view; for a constant, of itself permuted. Undefined where a single element stands, which has no
   * order; null where it cannot be had.
   */
  private turned(input: string, perm: Perm): View | undefined | null {
    const type = this.types.get(input);
    if (!type || elementCount(type.shape) === 1)
      return type && type.shape.length === perm.length && this.views.has(input) ? this.viewed(input, perm) : undefined;
    const constant = this.constants.get(input);
    if (constant) return { source: this.turnedConstant(input, constant, perm), perm: perm.map((_, i) => i) };
    return type.shape.length === perm.length ? this.viewed(input, perm) : null;
  }

  private turnedConstant(name: string, constant: Tensor, perm: Perm): string {
    const key = keyOf({ source: name, perm });
    const known = this.written.get(key);
    if (known) return known;
    const raised = { ...constant, shape: raise(constant.shape, perm.length) };
    const node = makeNode({ op: "Transpose", name: "", inputs: [name], outputs: [""], attrs: { perm } });
    const added = this.addConstant(named(name, perm), evaluateNode(node, [raised])[0]);
    this.written.set(key, added);
    return added;
  }

  /** A constant's type with leading axes of 1 up to `rank`; others as they are. */
  private raised(value: string, rank: number): TensorType {
    const type = this.types.get(value)!;
    return this.constants.has(value) ? withShape(type, raise(type.shape, rank)) : type;
  }

  private viewed(value: string, perm: Perm): View {
    const view = this.views.get(value);
    return view ? { source: view.source, perm: compose(view.perm, perm) } : { source: value, perm };
  }

  /** The name of a value in its own order, written now if it was not. */
  private read(value: string): string {
    const view = this.views.get(value);
    if (!view) return value;
    if (isIdentity(view.perm)) return view.source;
    return this.written.get(keyOf(view)) ?? this.write(view, value);
  }

  /** Whether elements lie as in the source: only axes of 1 have another place, if any. */
  private isInOrder({ source, perm }: View): boolean {
    const { shape } = this.types.get(source)!;
    const long = perm.filter((axis) => shape[axis] !== 1);
    return long.every((axis, i) => i === 0 || axis > long[i - 1]);
  }

  private write(view: View, name: string): string {
    const { source, perm } = view;
    const { shape } = this.types.get(source)!;
    const nodeName = this.fresh(`${name}.transpose`);
    if (this.isInOrder(view)) {
      const target = this.addConstant(`${name}.shape`, i64(perm.map((axis) => shape[axis])));
      this.emit(makeNode({ op: "Reshape", name: nodeName, inputs: [source, target], outputs: [name], attrs: { allowzero: 1 } }));
    } else this.emit(makeNode({ op: "Transpose", name: nodeName, inputs: [source], outputs: [name], attrs: { perm } }));
    this.written.set(keyOf(view), name);
    return name;
  }

  private addConstant(base: string, value: Tensor): string {
    const name = this.fresh(base);
    this.constants.set(name, value);
    this.types.set(name, typeOf(value));
    return name;
  }

  private emit(node: Node): void {
    const inferred = inferNode(
      node,
      (name) => this.types.get(name),
      (name) => this.constants.get(name),
    );
    node.outputs.forEach((output, i) => {
      this.types.set(output, inferred.types[i]);
    });
    this.nodes.push(node);
  }
}

const keyOf = ({ source, perm }: View): string => `${perm} ${source}`;

const raise = (shape: readonly number[], rank: number): readonly number[] => [
  ...new Array<number>(Math.max(0, rank - shape.length)).fill(1),
  ...shape,
];

const named = (value: string, perm: Perm): string => `${value}_${String(perm) === String(NCHW_TO_NHWC) ? "nhwc" : "permuted"}`;
