/** What becomes of a bounded axis (`OpDef.bound`) in kinds of operators. */
import { aroundAxis, elementCount } from "../tensor/index.ts";
import type { BoundContext } from "./define.ts";

/** Element by element, with broadcasting: axes count from the end, and one that is stretched has no places of its own. */
export function pointwise({ inputs, index, output, bound }: BoundContext) {
  const { shape } = inputs[index]!;
  const axis = bound.axis + output.shape.length - shape.length;
  return output.shape[axis] === shape[bound.axis] ? { axis, zeros: false } : undefined;
}

/** Elements stay in order: the axis is where as much lies before and behind it. */
export function inOrder({ inputs, index, output, bound }: BoundContext) {
  const { outer, n } = aroundAxis(inputs[index]!.shape, bound.axis);
  const axis = output.shape.findIndex((d, i) => d === n && elementCount(output.shape.slice(0, i)) === outer);
  return axis < 0 ? undefined : { axis, zeros: bound.zeros };
}

/** Every axis stays where it is, and the operator looks along `axis` only. */
export function beside(axis: number, { bound }: BoundContext) {
  return bound.axis === axis ? undefined : bound;
}
