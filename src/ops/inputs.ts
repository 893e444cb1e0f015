import type { Tensor, TensorType } from "../tensor/index.ts";

/** Reads of inputs that an operator needs to be there, or to be whole numbers that it knows before running. */

interface Inputs {
  readonly inputs: readonly (TensorType | undefined)[];
  constant(index: number): Tensor | undefined;
}

/** Throws RangeError where a type is not one of integers. */
export function requireIntegers({ dtype }: TensorType, what: string): void {
  if (dtype !== "i64" && dtype !== "i32") throw new RangeError(`${what} must be integers, not ${dtype}`);
}

/** The whole numbers of a constant input; throws RangeError where it is computed at run time or no list of integers. */
export function constantInts(ctx: Inputs, index: number, what: string): number[] {
  const type = ctx.inputs[index];
  if (type) requireIntegers(type, what);
  const value = ctx.constant(index);
  if (!value) throw new RangeError(`${what} must be known when the model is packed`);
  return Array.from(value.data);
}

/** The same for an optional input. */
export function optionalInts(ctx: Inputs, index: number, what: string): number[] | undefined {
  return ctx.inputs[index] ? constantInts(ctx, index, what) : undefined;
}

/** `axes` within a rank, each once; throws RangeError otherwise. */
export function uniqueAxes(axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) throw new RangeError(`axis ${axis} is outside a rank of ${rank}`);
    return axis < 0 ? axis + rank : axis;
  });
  if (new Set(normal).size !== normal.length) throw new RangeError(`axes [${axes}] name an axis twice`);
  return normal;
}
