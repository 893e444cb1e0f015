import { broadcastShapes, broadcastStrides, elementCount, type Shape, type Tensor, type TensorType } from "../tensor/index.ts";

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
