import { f32, type Shape, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { attr, defineOp, type InferContext, wave } from "./define.ts";

const mask = (shape: Shape): Tensor => {
  const kept = zeros({ dtype: "bool", shape });
  kept.data.fill(1);
  return kept;
};

/** In training, elements are dropped at random, unless none are. */
function refuseTraining({ inputs, constant }: InferContext): void {
  const [ratio, training] = [constant(1), constant(2)];
  if (inputs[2] && !(training && !training.data[0]) && !(inputs[1] && ratio && ratio.data[0] === 0))
    throw new RangeError("training mode is not supported");
}

/** At inference the identity, and a mask that is true everywhere. */
export const Dropout = defineOp({
  attrs: { seed: attr.int(), ratio: attr.float() },
  arity: [1, 3],
  tolerance: "exact",
  infer: (ctx) => {
    refuseTraining(ctx);
    const { dtype, shape } = ctx.inputs[0]!;
    return [
      { dtype, shape },
      { dtype: "bool", shape },
    ];
  },
  eval: ({ inputs: [x] }) => [x!, mask(x!.shape)],
  /** Before opset 10 the mask was of the input's type. */
  upgrade: (node, { opset }) => {
    if (opset < 10 && node.outputs.length > 1) throw new RangeError("its mask is not supported before opset 10");
    return [node];
  },
  decompose: ({ node, type, add, value }) => {
    const [output, kept] = node.outputs;
    add("Identity", [node.inputs[0]], {}, [output]);
    if (kept) add("Identity", [value(mask(type(node.inputs[0]).shape))], {}, [kept]);
  },
  cases: [
    { name: "inference", inputs: [wave([2, 3])] },
    { name: "the mask", inputs: [wave([2, 3]), f32([0.75], []), tensor("bool", [0], [])], constants: [1, 2], outputs: 2 },
    { name: "training without a loss", inputs: [wave([2, 3]), f32([0], []), tensor("bool", [1], [])], constants: [1, 2], outputs: 2 },
  ],
});
