/** Small questions that the rules of several passes ask. */
import type { Node } from "../graph/graph.ts";
import { elementCount, type Shape, type Tensor } from "../tensor/index.ts";
import type { Draft } from "./rewrite.ts";

/** The value of a constant with a single element. */
export function scalarOf(draft: Draft, value: string): number | undefined {
  const constant = draft.constant(value);
  return constant?.data.length === 1 ? constant.data[0] : undefined;
}

/** Equal as far as f32 and the digits that exporters write tell. */
export function near(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= 1e-5 * Math.abs(b);
}

/** The node of operator `op` that writes `value`, if nothing but its one reader needs it. */
export function onlyReadHere(draft: Draft, value: string, ...ops: string[]): Node | undefined {
  const node = draft.producer(value);
  return node && ops.includes(node.op) && draft.uses(value) === 1 ? node : undefined;
}

/** Whether a node clamps what it computes. */
export function hasActivation({ attrs }: Node): boolean {
  return (
    (attrs.min ?? Number.NEGATIVE_INFINITY) !== Number.NEGATIVE_INFINITY ||
    (attrs.max ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY
  );
}

/** For a node of two operands one of which is constant: both in a fixed order. */
export function constantOperand(node: Node, draft: Draft): { value: string; constant: Tensor; first: boolean } | undefined {
  const [a, b] = node.inputs;
  const right = draft.constant(b);
  if (right) return { value: a, constant: right, first: false };
  const left = draft.constant(a);
  return left ? { value: b, constant: left, first: true } : undefined;
}

/**
 * The constant as one number for each place along `axis` of `shape`, where it varies along that axis at most and does not stretch
 * `shape` when broadcast to it.
 */
export function alongAxis(constant: Tensor, shape: Shape, axis: number): Float32Array | undefined {
  const lead = shape.length - constant.shape.length;
  if (constant.dtype !== "f32" || lead < 0) return undefined;
  const n = shape[axis];
  if (elementCount(constant.shape) === 1) return new Float32Array(n).fill(constant.data[0]);
  const fits = constant.shape.every((d, i) => d === (i + lead === axis ? n : 1));
  return fits ? Float32Array.from(constant.data) : undefined;
}
