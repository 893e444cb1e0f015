import { elementCount, i64, type Shape, tensor, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, defineOp, type InferContext, wave } from "./define.ts";
import { optionalInts, requireIntegers } from "./inputs.ts";
import { kernelOf, padsOf, perAxis } from "./window.ts";

/** The image that indices count in, and the shape of the output, which is that or is padded to what input 2 says. */
function shapesOf(ctx: InferContext): { image: Shape; output: Shape } {
  const [x, indices] = ctx.inputs;
  const [batch, channels, ...size] = x!.shape;
  requireIntegers(indices!, "indices");
  if (elementCount(indices!.shape) !== elementCount(x!.shape)) throw new RangeError(`indices [${indices!.shape}] do not fit [${x!.shape}]`);
  const rank = size.length;
  const [kernel, stride, pads] = [kernelOf(ctx.node, rank), perAxis(ctx.node, "strides", rank, 1), padsOf(ctx.node, rank)];
  const image = [batch, channels, ...size.map((n, i) => (n - 1) * stride[i] + kernel[i] - pads[i] - pads[i + rank])];
  const output = optionalInts(ctx, 2, "output_shape") ?? image;
  if (output.length !== image.length || output.some((d, i) => d < image[i]))
    throw new RangeError(`output_shape [${output}] is smaller than [${image}]`);
  return { image, output };
}

/** Each element at the place that MaxPool found it at, and zeros elsewhere. */
export const MaxUnpool = defineOp({
  attrs: { kernel_shape: attr.required(attr.ints()), pads: attr.ints(), strides: attr.ints() },
  arity: [2, 3],
  tolerance: "exact",
  infer: (ctx) => [{ dtype: ctx.inputs[0]!.dtype, shape: shapesOf(ctx).output }],
  eval: ({ node, inputs }) => {
    const { image, output } = shapesOf({ node, inputs, constant: (i) => inputs[i] });
    const out = zeros({ dtype: inputs[0]!.dtype, shape: output });
    inputs[0]!.data.forEach((v, i) => {
      let [at, step, rest] = [0, 1, inputs[1]!.data[i]];
      for (let axis = image.length - 1; axis >= 0; step *= output[axis--]) {
        at += (rest % image[axis]) * step;
        rest = Math.floor(rest / image[axis]);
      }
      out.data[at] = v;
    });
    return [out];
  },
  decompose: (parts) => {
    const { node, type, constant } = parts;
    const [x, indices] = node.inputs;
    const inputs = node.inputs.map((name) => (name === "" ? undefined : type(name)));
    const { image, output } = shapesOf({ node, inputs, constant: (i) => constant(node.inputs[i]) });
    const n = elementCount(inputs[0]!.shape);
    const empty = parts.value(tensor(inputs[0]!.dtype, new Float32Array(elementCount(image))));
    const flat = parts.add("ScatterElements", [empty, reshaped(parts, indices, [n]), reshaped(parts, x, [n])], { axis: 0 });
    const after = output.map((d, i) => d - image[i]);
    if (after.every((d) => d === 0)) reshaped(parts, flat, image, node.outputs);
    else parts.add("Pad", [reshaped(parts, flat, image), parts.value(i64([...after.map(() => 0), ...after]))], {}, node.outputs);
  },
  cases: [
    {
      name: "2x2",
      inputs: [wave([1, 2, 2, 2]), i64([5, 7, 13, 15, 16, 18, 29, 31], [1, 2, 2, 2])],
      attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    },
    {
      name: "larger output",
      inputs: [wave([1, 1, 2, 2]), i64([5, 7, 13, 15], [1, 1, 2, 2]), i64([1, 1, 5, 5])],
      attrs: { kernel_shape: [2, 2], strides: [2, 2] },
      constants: [2],
    },
  ],
});
