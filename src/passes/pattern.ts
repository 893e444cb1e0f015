/**
 * Patterns of expressions, as data. Products and sums are compared in a normal form, so that one pattern knows a function however an exporter
 * brackets, orders and spells it: a product is a number times powers (Mul, Div, Reciprocal, Sqrt, Pow, Neg), a sum is a number plus terms (Add, Sub).
 */
import type { Node } from "../graph/graph.ts";
import { normalizeAxis } from "../tensor/index.ts";
import { hasActivation, near, scalarOf } from "./match.ts";
import type { Draft } from "./rewrite.ts";

/** A number, or the name that whatever number stands there is bound to. */
export type Scalar = number | string;

export type Pattern =
  | { readonly kind: "any"; readonly name: string; readonly pattern?: Pattern }
  | { readonly kind: "constant"; readonly name: string }
  | {
      readonly kind: "op";
      readonly op: string;
      readonly inputs: readonly (Pattern | Scalar)[];
      readonly attrs: Readonly<Record<string, Scalar>>;
    }
  | { readonly kind: "mean"; readonly of: Pattern }
  | { readonly kind: "product"; readonly scalar: Scalar; readonly factors: readonly Factor[] }
  | { readonly kind: "sum"; readonly constant: Scalar; readonly terms: readonly Pattern[] };

type Factor = readonly [pattern: Pattern, exponent: number];

/** Any value, the same wherever the name stands; one that is like `pattern` where that is given. */
export const any = (name: string, pattern?: Pattern): Pattern => ({ kind: "any", name, pattern });
/** A constant of more than one element. */
export const constant = (name: string): Pattern => ({ kind: "constant", name });
export const op = (name: string, inputs: readonly (Pattern | Scalar)[], attrs: Readonly<Record<string, Scalar>> = {}): Pattern => ({
  kind: "op",
  op: name,
  inputs,
  attrs,
});
/** The mean over the last axes from one that is bound to `axis`, counted from the end; the axes stay. */
export const mean = (of: Pattern): Pattern => ({ kind: "mean", of });
/** `scalar` times the factors; one is a pattern, or a pattern and its exponent. */
export const product = (scalar: Scalar, ...factors: readonly (Pattern | Factor)[]): Pattern => ({
  kind: "product",
  scalar,
  factors: factors.map((factor) => ("kind" in factor ? [factor, 1] : factor)),
});
/** `constant` plus the terms; one that is subtracted is a product of −1. */
export const sum = (constant: Scalar, ...terms: readonly Pattern[]): Pattern => ({ kind: "sum", constant, terms });

/** What the names of a pattern stand for, and the nodes that it goes over. */
export interface Match {
  readonly values: ReadonlyMap<string, string>;
  readonly scalars: ReadonlyMap<string, number>;
  readonly nodes: ReadonlySet<Node>;
}

const NOTHING: Match = { values: new Map(), scalars: new Map(), nodes: new Set() };

/** Reads a pattern that `root` ends; undefined where it is another, or where values inside it are read outside it. */
export function match(pattern: Pattern, root: Node, draft: Draft): Match | undefined {
  const expression = new Expression(root, draft);
  const found = expression.value(pattern, root.outputs[0], NOTHING);
  return found && closed(found, root, draft) ? found : undefined;
}

/** Whether what lies between the bound values and the root is read nowhere else. */
function closed({ nodes }: Match, root: Node, draft: Draft): boolean {
  const reads = new Map<string, number>();
  for (const { inputs } of nodes) for (const input of inputs) reads.set(input, (reads.get(input) ?? 0) + 1);
  return [...nodes].every((node) => node === root || node.outputs.every((output) => draft.uses(output) <= (reads.get(output) ?? 0)));
}

interface Monomial {
  scalar: number;
  readonly factors: Map<string, number>;
  readonly nodes: Node[];
}

interface Polynomial {
  constant: number;
  readonly terms: { readonly sign: number; readonly value: string }[];
  readonly nodes: Node[];
}

class Expression {
  constructor(
    readonly root: Node,
    readonly draft: Draft,
  ) {}

  value(pattern: Pattern, value: string, found: Match): Match | undefined {
    switch (pattern.kind) {
      case "any": {
        const bound = found.values.get(pattern.name);
        if (bound !== undefined) return bound === value ? found : undefined;
        const inner = pattern.pattern ? this.value(pattern.pattern, value, found) : found;
        return inner && { ...inner, values: new Map([...inner.values, [pattern.name, value]]) };
      }
      case "constant":
        return this.draft.constant(value) && this.value(any(pattern.name), value, found);
      case "op":
        return this.op(pattern, value, found);
      case "mean":
        return this.mean(pattern.of, value, found);
      case "product":
        return firstOf(DEPTHS, (depth) => this.product(pattern, this.monomial(value, depth), found));
      case "sum":
        return firstOf(DEPTHS, (depth) => this.sum(pattern, this.polynomial(value, depth), found));
    }
  }

  private scalar(wanted: Scalar, given: number | undefined, found: Match): Match | undefined {
    if (given === undefined) return undefined;
    const known = typeof wanted === "number" ? wanted : found.scalars.get(wanted);
    if (known !== undefined) return given === known || near(given, known) ? found : undefined;
    return { ...found, scalars: new Map([...found.scalars, [wanted as string, given]]) };
  }

  private producer(value: string): Node | undefined {
    return value === this.root.outputs[0] ? this.root : this.draft.producer(value);
  }

  private op(pattern: Extract<Pattern, { kind: "op" }>, value: string, found: Match): Match | undefined {
    const node = this.producer(value);
    if (node?.op !== pattern.op || node.inputs.length !== pattern.inputs.length) return undefined;
    let state: Match | undefined = over(found, [node]);
    for (const [i, wanted] of pattern.inputs.entries()) {
      if (!state) return undefined;
      const input = node.inputs[i];
      state = typeof wanted === "object" ? this.value(wanted, input, state) : this.scalar(wanted, scalarOf(this.draft, input), state);
    }
    for (const [name, wanted] of Object.entries(pattern.attrs)) state &&= this.scalar(wanted, node.attrs[name] as number, state);
    return state;
  }

  private mean(of: Pattern, value: string, found: Match): Match | undefined {
    const node = this.producer(value);
    if (node?.op !== "ReduceMean" || node.attrs.keepdims !== 1) return undefined;
    const given = node.inputs[1] ? this.draft.constant(node.inputs[1])?.data : (node.attrs.axes as readonly number[] | undefined);
    const rank = this.draft.type(node.inputs[0]).shape.length;
    const axes = Array.from(given ?? [], (axis) => normalizeAxis(axis, rank)).sort((a, b) => a - b);
    const first = axes[0];
    if (axes.length === 0 || first + axes.length !== rank || axes.some((axis, i) => axis !== first + i)) return undefined;
    const state = this.scalar("axis", first - rank, over(found, [node]));
    return state && this.value(of, node.inputs[0], state);
  }

  private product(pattern: Extract<Pattern, { kind: "product" }>, given: Monomial, found: Match): Match | undefined {
    if (given.factors.size !== pattern.factors.length) return undefined;
    const state = this.scalar(pattern.scalar, given.scalar, over(found, given.nodes));
    const factors = [...given.factors];
    return (
      state &&
      assign(pattern.factors, factors, state, ([wanted, power], [value, exponent], s) =>
        power === exponent ? this.value(wanted, value, s) : undefined,
      )
    );
  }

  private sum(pattern: Extract<Pattern, { kind: "sum" }>, given: Polynomial, found: Match): Match | undefined {
    if (given.terms.length !== pattern.terms.length) return undefined;
    const state = this.scalar(pattern.constant, given.constant, over(found, given.nodes));
    return (
      state &&
      assign(pattern.terms, given.terms, state, (wanted, { sign, value }, s) => {
        if (wanted.kind !== "product") return sign === 1 ? this.value(wanted, value, s) : undefined;
        return firstOf(DEPTHS, (depth) => {
          const term = this.monomial(value, depth);
          return this.product(wanted, { ...term, scalar: sign * term.scalar }, s);
        });
      })
    );
  }

  /** A value that is looked into: the one that is asked for always, those inside it where nothing else reads them. */
  private inside(value: string, level: number, depth: number): Node | undefined {
    const node = level === 0 || (level < depth && this.draft.uses(value) === 1) ? this.producer(value) : undefined;
    return node && !hasActivation(node) ? node : undefined;
  }

  private monomial(value: string, depth: number): Monomial {
    const found: Monomial = { scalar: 1, factors: new Map(), nodes: [] };
    const collect = (inner: string, exponent: number, level: number): void => {
      const number = scalarOf(this.draft, inner);
      const node = this.inside(inner, level, depth);
      const power = node && powersOf(node, this.draft);
      if (number !== undefined) found.scalar *= number ** exponent;
      // (a · b)^½ is not a^½ · b^½ where both are negative.
      else if (power && Number.isInteger(exponent)) {
        found.nodes.push(node);
        for (const [factor, own] of power.factors) collect(factor, own * exponent, level + 1);
        found.scalar *= power.scalar ** exponent;
      } else {
        const sum = (found.factors.get(inner) ?? 0) + exponent;
        found.factors.delete(inner);
        if (sum !== 0) found.factors.set(inner, sum);
      }
    };
    collect(value, 1, 0);
    return found;
  }

  private polynomial(value: string, depth: number): Polynomial {
    const found: Polynomial = { constant: 0, terms: [], nodes: [] };
    const collect = (inner: string, sign: number, level: number): void => {
      const number = scalarOf(this.draft, inner);
      const node = this.inside(inner, level, depth);
      if (number !== undefined) found.constant += sign * number;
      else if (node && (node.op === "Add" || node.op === "Sub")) {
        found.nodes.push(node);
        collect(node.inputs[0], sign, level + 1);
        collect(node.inputs[1], node.op === "Sub" ? -sign : sign, level + 1);
      } else found.terms.push({ sign, value: inner });
    };
    collect(value, 1, 0);
    return found;
  }
}

/** A node as a number times powers of its inputs. */
function powersOf(
  { op, inputs: [a, b] }: Node,
  draft: Draft,
): { scalar: number; factors: readonly (readonly [string, number])[] } | undefined {
  const exponent = op === "Pow" ? scalarOf(draft, b) : undefined;
  if (exponent !== undefined) return { scalar: 1, factors: [[a, exponent]] };
  switch (op) {
    case "Mul":
      return {
        scalar: 1,
        factors: [
          [a, 1],
          [b, 1],
        ],
      };
    case "Div":
      return {
        scalar: 1,
        factors: [
          [a, 1],
          [b, -1],
        ],
      };
    case "Reciprocal":
      return { scalar: 1, factors: [[a, -1]] };
    case "Sqrt":
      return { scalar: 1, factors: [[a, 0.5]] };
    case "Neg":
      return { scalar: -1, factors: [[a, 1]] };
  }
  return undefined;
}

/** How deep brackets are opened: all of them first; fewer, since a value that a name stands for may be a product or sum itself. */
const DEPTHS = [Number.POSITIVE_INFINITY, 1, 2, 3];

function firstOf<T, R>(items: readonly T[], read: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const result = read(item);
    if (result) return result;
  }
  return undefined;
}

const over = (found: Match, nodes: readonly Node[]): Match => ({ ...found, nodes: new Set([...found.nodes, ...nodes]) });

/** Gives each of `wanted` another of `given` that `compare` takes for it, trying all orders. */
function assign<W, G>(
  wanted: readonly W[],
  given: readonly G[],
  found: Match,
  compare: (wanted: W, given: G, found: Match) => Match | undefined,
): Match | undefined {
  if (wanted.length === 0) return found;
  for (const [i, candidate] of given.entries()) {
    const state = compare(wanted[0], candidate, found);
    const rest = state && assign(wanted.slice(1), given.toSpliced(i, 1), state, compare);
    if (rest) return rest;
  }
  return undefined;
}
