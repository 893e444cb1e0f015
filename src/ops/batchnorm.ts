import { elementCount, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";

/**
 * Inference form: (x − mean) / √(variance + epsilon) · scale + bias along axis 1. Passes fold it into the layer before it, or into a
 * multiplication and an addition, so it has no kernel of its own.
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
  upgrade(node, { opset }) {
    const { spatial, ...attrs } = node.attrs;
    if (spatial === 0) throw new RangeError("spatial = 0 is not supported");
    // Before opset 14 the further outputs were for training only; exporters still name them.
    return [{ ...node, attrs, outputs: opset < 14 ? node.outputs.slice(0, 1) : node.outputs }];
  },
  cases: [
    {
      name: "NCHW",
      inputs: [wave([2, 3, 4, 4]), wave([3], 2), wave([3], 3), wave([3], 4), { ...wave([3]), data: Float32Array.of(0.5, 1, 2) }],
      constants: [1, 2, 3, 4],
    },
  ],
});
