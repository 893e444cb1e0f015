import type { Node } from "../graph/graph.ts";
import { onlyReadHere, scalarOf } from "./match.ts";
import type { Draft } from "./rewrite.ts";

/** A product however it is bracketed: constant scalars multiplied together, and the other factors. */
export interface Product {
  readonly scalar: number;
  readonly factors: readonly string[];
}

/** More factors than this are nothing that a rule looks for. */
const MOST = 3;

/** Reads a Mul, or a Div by a constant, down through products that nothing else reads. */
export function productOf(node: Node, draft: Draft): Product | undefined {
  let scalar = 1;
  const factors: string[] = [];
  const collect = (product: Node): boolean =>
    product.inputs.every((value, i) => {
      const constant = scalarOf(draft, value);
      if (product.op === "Div" && i === 1) {
        if (constant === undefined) return false;
        scalar /= constant;
        return true;
      }
      if (constant !== undefined) {
        scalar *= constant;
        return true;
      }
      const inner = onlyReadHere(draft, value, "Mul", "Div");
      if (inner && factors.length < MOST && (inner.op === "Mul" || scalarOf(draft, inner.inputs[1]) !== undefined)) return collect(inner);
      factors.push(value);
      return factors.length <= MOST;
    });
  if (node.op !== "Mul" && node.op !== "Div") return undefined;
  return collect(node) ? { scalar, factors } : undefined;
}

/** A product of x and something computed from x: both, whichever comes first. */
export function selfProduct<T>(product: Product, read: (x: string, other: string) => T | undefined): T | undefined {
  if (product.factors.length !== 2) return undefined;
  const [a, b] = product.factors;
  return read(a, b) ?? read(b, a);
}
