import { elementCount, i64, tensor } from "../tensor/index.ts";
import { reshaped, sliced } from "./conv-axes.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";
import { constantInts } from "./inputs.ts";
import { eachPosition, padsOf, perAxis } from "./window.ts";

interface Blocks {
  readonly image: readonly number[];
  /** Sizes of the walk over all elements of a channel's columns: taps of a block, then blocks. */
  readonly block: readonly number[];
  readonly count: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Before each axis. */
  readonly pad: readonly number[];
}

function blocksOf({ node, type, constant }: Decomposition): Blocks {
  const [x, ...sizes] = node.inputs;
  const inputs = node.inputs.map(type);
  const [image, block] = ["image_shape", "block_shape"].map((what, i) =>
    constantInts({ inputs, constant: () => constant(sizes[i]) }, i + 1, what),
  );
  const rank = image.length;
  const [stride, dilation, pad] = [perAxis(node, "strides", rank, 1), perAxis(node, "dilations", rank, 1), padsOf(node, rank)];
  const count = image.map((d, i) => Math.floor((d + pad[i] + pad[i + rank] - dilation[i] * (block[i] - 1) - 1) / stride[i]) + 1);
  const { shape } = type(x);
  const fits = block.length === rank && image.every((d, i) => d > 0 && block[i] > 0 && count[i] > 0);
  if (!fits || shape.length !== 3 || shape[1] % elementCount(block) !== 0 || shape[2] !== elementCount(count))
    throw new RangeError(`columns [${shape}] do not fit an image [${image}] in blocks of [${block}]`);
  return { image, block, count, stride, dilation, pad };
}

/** The element of the image that each column's element is added to, in order; those in the padding go behind its end. */
function targetsOf({ image, block, count, stride, dilation, pad }: Blocks): Int32Array {
  const targets = new Int32Array(elementCount(block) * elementCount(count));
  const rank = image.length;
  eachPosition([...block, ...count], (position, i) => {
    const at = image.map((_, axis) => position[rank + axis] * stride[axis] + position[axis] * dilation[axis] - pad[axis]);
    const inside = at.every((p, axis) => p >= 0 && p < image[axis]);
    targets[i] = inside ? at.reduce((flat, p, axis) => flat * image[axis] + p, 0) : elementCount(image);
  });
  return targets;
}

/** The image whose blocks are the columns; where blocks overlap, the sum. */
export const Col2Im = defineFunction({
  attrs: { dilations: attr.ints(), pads: attr.ints(), strides: attr.ints() },
  arity: [3, 3],
  tolerance: 1e-5,
  body(parts) {
    const { node, type } = parts;
    const [x] = node.inputs;
    const blocks = blocksOf(parts);
    const targets = targetsOf(blocks);
    const [batch, rows] = type(x).shape;
    const planes = (batch * rows) / elementCount(blocks.block);
    const places = elementCount(blocks.image);
    const columns = parts.add("Transpose", [reshaped(parts, x, [planes, targets.length])], { perm: [1, 0] });
    const empty = parts.value(tensor(type(x).dtype, new Float32Array((places + 1) * planes), [places + 1, planes]));
    const indices = parts.value(tensor("i32", targets, [targets.length, 1]));
    const image = sliced(parts, parts.add("ScatterND", [empty, indices, columns], { reduction: "add" }), 0, 0, places);
    const shape = [batch, planes / batch, ...blocks.image];
    reshaped(parts, parts.add("Transpose", [image], { perm: [1, 0] }), shape, node.outputs);
  },
  cases: [
    { name: "apart", inputs: [wave([1, 5, 5]), i64([5, 5]), i64([1, 5])], constants: [1, 2] },
    {
      name: "overlapping, strides and pads",
      inputs: [wave([2, 18, 9]), i64([5, 6]), i64([3, 3])],
      attrs: { pads: [1, 0, 1, 1], strides: [2, 2] },
      constants: [1, 2],
    },
    { name: "dilations", inputs: [wave([1, 4, 5]), i64([6, 6]), i64([2, 2])], attrs: { dilations: [1, 5] }, constants: [1, 2] },
    { name: "volumes", inputs: [wave([1, 10, 12]), i64([3, 4, 5]), i64([1, 1, 5])], constants: [1, 2] },
  ],
});
