import { broadcastShapes, broadcastStrides, elementCount, joinDims, type Shape, type Tensor, type TensorType } from "../tensor/index.ts";

/** The common shape of several inputs; throws RangeError where they do not broadcast. */
export function commonShape(inputs: readonly (TensorType | undefined)[]): Shape {
  const shape = broadcastShapes(...inputs.map((x) => x!.shape));
  if (!shape) throw new RangeError(`${inputs.map((x) => `[${x!.shape}]`).join(" and ")} do not broadcast`);
  return shape;
}

/** Element `i` of the tensor as broadcast to `shape`, for i in 0..elements of `shape` − 1. */
export function broadcastReader(x: Tensor, shape: Shape): (i: number) => number {
  if (x.data.length === elementCount(shape)) return (i) => x.data[i];
  if (x.data.length === 1) return () => x.data[0];
  const strides = broadcastStrides(x.shape, shape);
  return (i) => {
    let at = 0;
    for (let k = shape.length - 1, rest = i; k >= 0; k--) {
      at += (rest % shape[k]) * strides[k];
      rest = Math.floor(rest / shape[k]);
    }
    return x.data[at];
  };
}

/** Dimensions of a record that walks several operands at once. */
const RANK = 6;

/** The six dimensions over which a record walks `shape`, and each operand's strides there. Throws RangeError where six are not enough. */
export function broadcastDims(shape: Shape, operands: readonly Shape[]): { dims: number[]; strides: number[][] } {
  const { dims, strides } = joinDims(
    shape,
    operands.map((operand) => broadcastStrides(operand, shape)),
  );
  if (dims.length > RANK) throw new RangeError(`broadcasting over ${dims.length} axes; the kernels take ${RANK}`);
  const lead = RANK - dims.length;
  return {
    dims: [...new Array<number>(lead).fill(1), ...dims],
    strides: strides.map((own) => [...new Array<number>(lead).fill(0), ...own]),
  };
}
