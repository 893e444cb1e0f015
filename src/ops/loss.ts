/** Losses, by their function bodies: models that were exported for evaluation carry them behind their outputs. */
import { f32, i64, type Tensor, tensor } from "../tensor/index.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";

const ATTRS = { ignore_index: attr.int(), reduction: attr.string("mean") };

/** −log p of the target classes, each times its class's weight, and what they are divided by for the mean; no weights where all are 1. */
function terms({ node, type, value, add }: Decomposition): { readonly loss: string; readonly weight: string | undefined } {
  const [input, target, weights] = node.inputs;
  const ignored = node.attrs.ignore_index;
  const { dtype } = type(target);
  const scalar = (x: number) => value(tensor(dtype, [x], []));
  const axis = value(i64([1]));
  const mask = ignored === undefined ? undefined : add("Equal", [target, scalar(ignored as number)]);
  // Any class does where the target is ignored; it may lie outside of them.
  const classes = mask ? add("Where", [mask, scalar(0), target]) : target;
  const picked = add("Squeeze", [add("GatherElements", [input, add("Unsqueeze", [classes, axis])], { axis: 1 }), axis]);
  const loss = add("Neg", [picked]);
  const given = weights ? add("Gather", [weights, classes]) : undefined;
  const weight = mask ? add("Where", [mask, value(f32([0], [])), given ?? value(f32([1], []))]) : given;
  return { loss: weight ? add("Mul", [loss, weight]) : loss, weight };
}

function reduced(parts: Decomposition): void {
  const { node, add } = parts;
  const { loss, weight } = terms(parts);
  const total = (value: string, outputs?: readonly string[]) => add("ReduceSum", [value], { keepdims: 0 }, outputs);
  switch (node.attrs.reduction) {
    case "none":
      add("Identity", [loss], {}, node.outputs);
      return;
    case "sum":
      total(loss, node.outputs);
      return;
    case "mean":
      if (weight) add("Div", [total(loss), total(weight)], {}, node.outputs);
      else add("ReduceMean", [loss], { keepdims: 0 }, node.outputs);
      return;
    default:
      throw new RangeError(`reduction ${node.attrs.reduction} is not known`);
  }
}

const targets = (data: readonly number[], shape: readonly number[]): Tensor => i64(data, shape);

/** Of log-probabilities [N, C, d…] and target classes [N, d…]. */
export const NegativeLogLikelihoodLoss = defineFunction({
  attrs: ATTRS,
  arity: [2, 3],
  tolerance: 1e-6,
  body: reduced,
  cases: [
    { name: "mean", inputs: [wave([3, 5]), targets([1, 0, 4], [3])] },
    {
      name: "no reduction, over places",
      inputs: [wave([2, 3, 4]), targets([0, 1, 2, 0, 1, 2, 2, 1], [2, 4])],
      attrs: { reduction: "none" },
    },
    {
      name: "weighted mean without an ignored class outside of all",
      inputs: [wave([3, 5]), targets([1, -1, 4], [3]), f32([0.1, 0.2, 0.3, 0.4, 0.5])],
      attrs: { ignore_index: -1 },
    },
    { name: "sum without an ignored class", inputs: [wave([3, 5]), targets([1, 2, 4], [3])], attrs: { ignore_index: 2, reduction: "sum" } },
  ],
});

/** The same of scores; the second output has the log-probabilities. */
export const SoftmaxCrossEntropyLoss = defineFunction({
  attrs: ATTRS,
  arity: [2, 3],
  tolerance: 1e-5,
  body: ({ node, add }) => {
    const [scores, labels, weights = ""] = node.inputs;
    const [loss, ...logs] = node.outputs;
    const log = add("LogSoftmax", [scores], { axis: 1 }, logs.length ? logs : undefined);
    add("NegativeLogLikelihoodLoss", [log, labels, weights], node.attrs, [loss]);
  },
  cases: [
    { name: "mean, with log-probabilities", inputs: [wave([3, 5]), targets([1, 0, 4], [3])], outputs: 2 },
    {
      name: "weighted, over places, without an ignored class",
      inputs: [wave([2, 3, 2, 2]), targets([0, 1, 2, 0, 1, 2, 2, 1], [2, 2, 2]), f32([1, 2, 0.5])],
      attrs: { ignore_index: 1 },
    },
  ],
});
