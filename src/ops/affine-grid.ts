import { elementCount, f32, i64 } from "../tensor/index.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";
import { constantInts } from "./inputs.ts";

/** Place i of n along an axis, from −1 to 1: at the ends of the range, or half a step inside them. One place lies in the middle. */
function placeOf(i: number, n: number, align: boolean): number {
  if (n === 1) return 0;
  return align ? (2 * i) / (n - 1) - 1 : (2 * i + 1) / n - 1;
}

/** The coordinates of every place, the innermost axis first, and a 1 behind them: [places, axes + 1]. */
function placesOf(sizes: readonly number[], align: boolean): Float32Array {
  const columns = sizes.length + 1;
  const data = new Float32Array(elementCount(sizes) * columns).fill(1);
  for (let place = 0; place * columns < data.length; place++) {
    for (let axis = sizes.length - 1, rest = place; axis >= 0; rest = Math.floor(rest / sizes[axis--]))
      data[place * columns + sizes.length - 1 - axis] = placeOf(rest % sizes[axis], sizes[axis], align);
  }
  return data;
}

/** The sizes of the grid's axes; throws RangeError where size and matrices do not fit each other. */
function sizesOf({ node, type, constant }: Decomposition): readonly number[] {
  const [theta, size] = node.inputs;
  const [batch, , ...spatial] = constantInts({ inputs: node.inputs.map(type), constant: () => constant(size) }, 1, "size");
  const axes = spatial.length;
  const { shape } = type(theta);
  if ((axes !== 2 && axes !== 3) || shape.length !== 3 || shape[0] !== batch || shape[1] !== axes || shape[2] !== axes + 1)
    throw new RangeError(`matrices [${shape}] do not fit images of [${[batch, ...spatial]}]`);
  return spatial;
}

/** For each image, where an affine map takes every place of a grid: what GridSample reads at. */
export const AffineGrid = defineFunction({
  attrs: { align_corners: attr.int(0) },
  arity: [2, 2],
  tolerance: 1e-5,
  body(parts) {
    const { node, type } = parts;
    const [theta] = node.inputs;
    const sizes = sizesOf(parts);
    const places = parts.value(f32(placesOf(sizes, node.attrs.align_corners === 1), [elementCount(sizes), sizes.length + 1]));
    const moved = parts.add("MatMul", [places, parts.add("Transpose", [theta], { perm: [0, 2, 1] })]);
    parts.add("Reshape", [moved, parts.value(i64([type(theta).shape[0], ...sizes, sizes.length]))], {}, node.outputs);
  },
  cases: [
    { name: "images", inputs: [wave([2, 2, 3]), i64([2, 3, 4, 5])], constants: [1] },
    { name: "corners aligned", inputs: [wave([1, 2, 3]), i64([1, 3, 4, 5])], attrs: { align_corners: 1 }, constants: [1] },
    { name: "volumes", inputs: [wave([1, 3, 4]), i64([1, 2, 2, 3, 4])], constants: [1] },
  ],
});
