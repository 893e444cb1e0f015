import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { broadcastShapes, f32, i64, normalizeAxis, type Shape, sameShape, type Tensor } from "../tensor/index.ts";
import { hasActivation, onlyReadHere, scalarOf } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/**
 * `MatMul → factors and masks in any order → Softmax → MatMul` becomes ScaledDotProductAttention. Operands are turned to [batch, length, heads, size] by
 * Transposes, which cancel with those that split and merge heads when the layout is decided. What is left is a Reshape on each side.
 */
export function fuseAttention(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    if (node.op !== "MatMul" || node.inputs.length > 2 || hasActivation(node)) return undefined;
    const [left, right] = node.inputs;
    const softmax = softmaxOf(left, draft);
    if (softmax) return attention(node, softmax, { value: right, lengthLast: false }, draft);
    // V · Pᵀ, of values that lie channels first.
    const weights = turnOf(right, draft);
    const turned = weights === undefined ? undefined : softmaxOf(weights, draft);
    return turned && attention(node, turned, { value: left, lengthLast: true }, draft);
  });
}

/** An operand of shape [batch, heads, length, size] or [heads, length, size], its last two axes the other way round where `lengthLast`. */
interface Operand {
  readonly value: string;
  readonly lengthLast: boolean;
}

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
}

function sizesOf({ value, lengthLast }: Operand, draft: Draft): Sizes {
  const { shape } = draft.type(value);
  const [batch, heads] = shape.length === 4 ? shape : [1, shape[0]];
  return { batch, heads, length: shape.at(lengthLast ? -1 : -2)! };
}

/** The Softmax along rows that is read here alone. */
function softmaxOf(value: string, draft: Draft): Node | undefined {
  const softmax = onlyReadHere(draft, value, "Softmax");
  const rank = softmax ? draft.type(value).shape.length : 0;
  return softmax && normalizeAxis(softmax.attrs.axis as number, rank) === rank - 1 ? softmax : undefined;
}

/** x where `value` is x with its last two axes exchanged, and read here alone. */
function turnOf(value: string, draft: Draft): string | undefined {
  const node = onlyReadHere(draft, value, "Transpose");
  const perm = node?.attrs.perm as readonly number[] | undefined;
  const rank = perm?.length ?? 0;
  return perm?.every((axis, i) => axis === (i < rank - 2 ? i : 2 * rank - 3 - i)) ? node!.inputs[0] : undefined;
}

/** What stands in the place of the product `node` of a Softmax and values. */
function attention(node: Node, softmax: Node, values: Operand, draft: Draft): Node[] | undefined {
  const build = new Builder(node, draft);
  const scores = scoresOf(softmax.inputs[0], build, draft);
  const rank = draft.type(softmax.outputs[0]).shape.length;
  if (!scores || (rank !== 3 && rank !== 4)) return undefined;
  const [left, right] = scores.product.inputs;
  if ([left, right, values.value].some((value) => draft.type(value).shape.length !== rank)) return undefined;
  const [query, key] = [unscaled(left, draft), unscaled(right, draft)];
  const operands = [
    { value: query.value, lengthLast: false },
    unrepeated({ value: key.value, lengthLast: true }, draft),
    unrepeated(values, draft),
  ];
  const [q, k, v] = operands.map((operand) => sizesOf(operand, draft));
  if (q.batch !== k.batch || q.batch !== v.batch || k.heads !== v.heads || q.heads % k.heads !== 0) return undefined;
  const mask = build.mask(scores.masks, [q.batch, q.heads, q.length, k.length]);
  if (mask === undefined) return undefined;
  const inputs = operands.map((operand) => build.headsInside(operand));
  const scale = scores.factor * query.factor * key.factor;
  build.headsOutside(build.add("ScaledDotProductAttention", [...inputs, mask], { scale }), q, values.lengthLast);
  return build.nodes;
}

/** `value` times `factor`, where something else is a product of the two that is read here alone. */
function unscaled(value: string, draft: Draft): { value: string; factor: number } {
  const node = onlyReadHere(draft, value, "Mul", "Div");
  if (!node || hasActivation(node)) return { value, factor: 1 };
  const [first, second] = node.inputs.map((input) => scalarOf(draft, input));
  if (second !== undefined) return { value: node.inputs[0], factor: node.op === "Mul" ? second : 1 / second };
  return first !== undefined && node.op === "Mul" ? { value: node.inputs[1], factor: first } : { value, factor: 1 };
}

/** Keys or values before each head of theirs was repeated for a group of queries' heads. */
function unrepeated(operand: Operand, draft: Draft): Operand {
  const turned = turnOf(operand.value, draft);
  const joined = onlyReadHere(draft, turned ?? operand.value, "Reshape");
  const expand = joined && onlyReadHere(draft, joined.inputs[0], "Expand");
  const apart = expand && onlyReadHere(draft, expand.inputs[0], "Reshape", "Unsqueeze");
  if (!apart) return operand;
  const [shape, groups] = [apart.inputs[0], expand.outputs[0]].map((value) => draft.type(value).shape);
  const [batch, heads, length, size] = shape;
  const repeated = groups.length === 5 ? [batch, heads * groups[2], length, size] : [];
  const fits =
    sameShape(draft.type(apart.outputs[0]).shape, [batch, heads, 1, length, size]) &&
    sameShape(groups, [batch, heads, groups[2], length, size]) &&
    sameShape(draft.type(joined.outputs[0]).shape, repeated);
  if (!fits) return operand;
  return { value: apart.inputs[0], lengthLast: turned === undefined ? operand.lengthLast : !operand.lengthLast };
}

/** Scores: a product, times `factor`, plus masks, each times its own. */
interface Scores {
  readonly product: Node;
  readonly factor: number;
  readonly masks: readonly { readonly value: string; readonly factor: number }[];
}

function scoresOf(value: string, build: Builder, draft: Draft): Scores | undefined {
  const node = onlyReadHere(draft, value, "MatMul", "Mul", "Div", "Add", "Sub", "Where", "Reshape");
  if (!node || hasActivation(node)) return undefined;
  const [a, b, c] = node.inputs;
  if (node.op === "MatMul") return node.inputs.length === 2 ? { product: node, factor: 1, masks: [] } : undefined;
  if (node.op === "Mul" || node.op === "Div") {
    const { value: inner, factor } = unscaled(value, draft);
    const scores = inner === value ? undefined : scoresOf(inner, build, draft);
    const masks = scores?.masks.map((mask) => ({ ...mask, factor: mask.factor * factor }));
    return scores && { ...scores, factor: scores.factor * factor, masks: masks! };
  }
  if (node.op === "Reshape") {
    const [from, to] = [a, value].map((name) => draft.type(name).shape);
    return sameShape(
      from.filter((d, i) => d !== 1 || i >= from.length - 2),
      to.filter((d, i) => d !== 1 || i >= to.length - 2),
    )
      ? scoresOf(a, build, draft)
      : undefined;
  }
  const masked = (scores: Scores | undefined, mask: string, factor: number): Scores | undefined =>
    scores && { ...scores, masks: [...scores.masks, { value: mask, factor }] };
  if (node.op === "Sub") return masked(scoresOf(a, build, draft), b, -1);
  if (node.op === "Add") return masked(scoresOf(a, build, draft), b, 1) ?? masked(scoresOf(b, build, draft), a, 1);
  const [seen, fill] = scalarOf(draft, c) === undefined ? [c, b] : [b, c];
  const below = scalarOf(draft, fill);
  const scores = below !== undefined && hides(below, a, seen === b, draft) ? scoresOf(seen, build, draft) : undefined;
  return scores && masked(scores, build.hidden(a, fill, seen === b), 1);
}

/**
 * Whether adding `fill` to hidden scores is as good as writing it in their place: f32 keeps nothing of a score beside it, or each query sees some key, beside
 * which the hidden ones vanish.
 */
function hides(fill: number, condition: string, sees: boolean, draft: Draft): boolean {
  if (fill <= -1e9) return true;
  const known = draft.constant(condition);
  const keys = known?.shape.at(-1) ?? 0;
  return fill <= -1e4 && known !== undefined && everyRow(known, keys, sees);
}

function everyRow({ data }: Tensor, n: number, sees: boolean): boolean {
  for (let first = 0; first < data.length; first += n) if (!data.subarray(first, first + n).some((v) => (v !== 0) === sees)) return false;
  return n > 0;
}

/** Writes the nodes that stand in the place of `node`. */
class Builder {
  readonly nodes: Node[] = [];

  constructor(
    private readonly node: Node,
    private readonly draft: Draft,
  ) {}

  add(op: string, inputs: readonly string[], attrs: Node["attrs"] = {}, last = false): string {
    const name = this.draft.fresh(`${this.node.outputs[0]}_${op.toLowerCase()}`);
    this.nodes.push(makeNode({ op, name: last ? this.node.name : name, inputs, outputs: last ? this.node.outputs : [name], attrs }));
    return name;
  }

  private constant(what: string, value: Tensor): string {
    return this.draft.addConstant(`${this.node.name}.${what}`, value);
  }

  /** [batch, length, heads, size] of an operand. */
  headsInside(operand: Operand): string {
    const { value, lengthLast } = operand;
    const { shape } = this.draft.type(value);
    if (shape.length === 4) return this.add("Transpose", [value], { perm: lengthLast ? [0, 3, 1, 2] : [0, 2, 1, 3] });
    const turned = this.add("Transpose", [value], { perm: lengthLast ? [2, 0, 1] : [1, 0, 2] });
    const { heads, length } = sizesOf(operand, this.draft);
    return this.add("Reshape", [turned, this.constant("shape", i64([1, length, heads, shape.at(lengthLast ? -2 : -1)!]))]);
  }

  /** The output as the node has it. */
  headsOutside(mixed: string, { heads, length }: Sizes, lengthLast: boolean): void {
    const { shape } = this.draft.type(this.node.outputs[0]);
    if (shape.length === 4) {
      this.add("Transpose", [mixed], { perm: lengthLast ? [0, 2, 3, 1] : [0, 2, 1, 3] }, true);
      return;
    }
    const flat = this.add("Reshape", [mixed, this.constant("shape", i64([length, heads, shape.at(lengthLast ? -2 : -1)!]))]);
    this.add("Transpose", [flat], { perm: lengthLast ? [1, 2, 0] : [1, 0, 2] }, true);
  }

  /** What a Where that hides scores adds to them. */
  hidden(condition: string, fill: string, sees: boolean): string {
    const zero = this.constant("zero", f32([0], []));
    return this.add("Where", sees ? [condition, zero, fill] : [condition, fill, zero]);
  }

  /** The sum of masks; "" where there are none, undefined where one does not fit scores of this shape. */
  mask(masks: Scores["masks"], scores: Shape): string | undefined {
    const shapes = masks.map(({ value }) => this.maskShape(value));
    if (shapes.some((shape) => shape?.at(-1) !== scores[3] || !sameShape(broadcastShapes(shape, scores) ?? [], scores))) return undefined;
    const scaled = masks.map(({ value, factor }) =>
      factor === 1 ? value : this.add("Mul", [value, this.constant("factor", f32([factor], []))]),
    );
    if (scaled.length < 2) return scaled[0] ?? "";
    return this.add("Sum", scaled);
  }

  private maskShape(value: string): Shape | undefined {
    const written = this.nodes.find(({ outputs }) => outputs[0] === value);
    const { shape, dtype } = this.draft.type(written ? written.inputs[0] : value);
    return written || dtype === "f32" ? shape : undefined;
  }
}
