import { elementCount, tensor, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, defineOp, wave } from "./define.ts";

/**
 * Inference form: (x − mean) / √(variance + epsilon) · scale + bias along axis 1. Passes fold it into the layer before it, or into a
 * multiplication and an addition; where its statistics are computed it is taken apart.
 */
export const BatchNormalization = defineOp({
  attrs: { epsilon: attr.float(1e-5), momentum: attr.float(0.9), training_mode: attr.int(0) },
  arity: [5, 5],
  tolerance: 1e-5,
  infer({ node, inputs: [x, ...statistics] }) {
    if (node.attrs.training_mode) throw new RangeError("training_mode is not supported; export the model in evaluation mode");
    const channels = x!.shape[1];
    for (const t of statistics)
      if (elementCount(t!.shape) !== channels) throw new RangeError(`[${t!.shape}] does not fit ${channels} channels`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval({ node, inputs: [x, scale, bias, mean, variance] }) {
    const out = zeros(x!);
    const inner = elementCount(x!.shape.slice(2));
    for (let i = 0; i < out.data.length; i++) {
      const c = Math.floor(i / inner) % x!.shape[1];
      const factor = scale!.data[c] / Math.sqrt(variance!.data[c] + (node.attrs.epsilon as number));
      out.data[i] = (x!.data[i] - mean!.data[c]) * factor + bias!.data[c];
    }
    return [out];
  },
  decompose(parts) {
    const [x, scale, bias, mean, variance] = parts.node.inputs;
    if ([scale, bias, mean, variance].every((name) => parts.constant(name))) return;
    const { shape } = parts.type(x);
    const epsilon = parts.value(tensor("f32", [parts.node.attrs.epsilon as number], []));
    const factor = parts.add("Div", [scale, parts.add("Sqrt", [parts.add("Add", [variance, epsilon])])]);
    const shift = parts.add("Sub", [bias, parts.add("Mul", [mean, factor])]);
    const alongChannels = [shape[1], ...shape.slice(2).map(() => 1)];
    const scaled = parts.add("Mul", [x, reshaped(parts, factor, alongChannels)]);
    parts.add("Add", [scaled, reshaped(parts, shift, alongChannels)], {}, parts.node.outputs);
  },
  upgrade(node, { opset }) {
    const { spatial, ...attrs } = node.attrs;
    if (spatial === 0) throw new RangeError("spatial = 0 is not supported");
    // Before opset 14 the further outputs were for training only; exporters still name them.
    return [{ ...node, attrs, outputs: opset < 14 ? node.outputs.slice(0, 1) : node.outputs }];
  },
  cases: [
    [2, 3, 4, 4],
    [2, 3],
    [1, 3, 2, 3, 2],
  ].flatMap((shape) => {
    const inputs = [wave(shape), wave([3], 2), wave([3], 3), wave([3], 4), tensor("f32", [0.5, 1, 2])];
    return [
      { name: `rank ${shape.length}`, inputs, constants: [1, 2, 3, 4] },
      { name: `rank ${shape.length}, computed statistics`, inputs },
    ];
  }),
});
