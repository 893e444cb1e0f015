import { Binary } from "../../assembly/shared/plan.ts";
import { sameShape } from "../tensor/index.ts";
import { binary } from "./binary.ts";
import { commonShape } from "./broadcast.ts";
import { type OpDef, wave } from "./define.ts";

const stretched = binary("PRelu", { kind: Binary.prelu, real: (x, slope) => (x < 0 ? x * slope : x) });

/** x where it is not negative, else x · slope, which is broadcast to x. */
export const PRelu: OpDef = {
  ...stretched,
  infer(ctx, subgraphs) {
    const [x, slope] = ctx.inputs;
    if (x!.dtype !== "f32") throw new RangeError(`takes floats, not ${x!.dtype}`);
    if (!sameShape(commonShape(ctx.inputs), x!.shape))
      throw new RangeError(`a slope of shape [${slope!.shape}] does not broadcast to [${x!.shape}]`);
    return stretched.infer(ctx, subgraphs);
  },
  /** One slope that is known is a LeakyRelu, which int8 has a table for. */
  decompose({ node, constant, add }) {
    const [x, slope] = node.inputs;
    const data = constant(slope)?.data;
    if (data && data.length > 0 && data.every((v) => v === data[0])) add("LeakyRelu", [x], { alpha: data[0] }, node.outputs);
  },
  cases: [
    { name: "a slope for each", inputs: [wave([3, 7]), wave([3, 7], 2)], constants: [1] },
    { name: "a slope for a channel", inputs: [wave([2, 3, 2, 5]), wave([3, 1, 1], 2)], constants: [1] },
    { name: "one slope", inputs: [wave([9]), wave([1], 2)] },
    { name: "one slope that is known", inputs: [wave([9]), wave([1], 2)], constants: [1] },
  ],
};
