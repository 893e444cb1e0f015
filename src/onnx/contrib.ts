import type { RawNode, UpgradeContext } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";

/** Nodes of the IR for one of the domain; attributes and inputs that it leaves in place are checked by what it writes. */
export type Contrib = (node: RawNode, ctx: UpgradeContext) => readonly RawNode[];

/** x · sigmoid(alpha · x). */
const quickGelu: Contrib = ({ op: _op, attrs: { alpha = 1.702, ...attrs }, ...node }, ctx) => {
  const [x] = node.inputs;
  const [scaled, gate] = [ctx.fresh(), ctx.fresh()];
  const step = (op: string, suffix: string, inputs: readonly string[], outputs: readonly string[]): RawNode => ({
    op,
    name: `${node.name}${suffix}`,
    inputs,
    outputs,
    attrs: {},
  });
  const factor = ctx.constant({ dtype: "f32", shape: [], data: Float32Array.of(alpha as number) });
  return [
    step("Mul", ".scale", [...node.inputs, factor], [scaled]),
    step("Sigmoid", ".gate", [scaled], [gate]),
    { ...step("Mul", "", [x, gate], node.outputs), attrs },
  ];
};

/** Gelu of x + bias, where the bias may be absent. */
const biasedGelu =
  (approximate: string): Contrib =>
  ({ attrs, ...node }, ctx) => {
    if (!node.inputs[1]) return [{ ...node, op: "Gelu", attrs: { ...attrs, approximate } }];
    const sum = ctx.fresh();
    return [
      { ...node, op: "Add", name: `${node.name}.bias`, outputs: [sum], attrs: {} },
      { ...node, op: "Gelu", inputs: [sum], attrs: { ...attrs, approximate } },
    ];
  };

/** An operator of ONNX under its own name. */
const alike: Contrib = (node, ctx) => opOf(node.op)!.upgrade?.(node, ctx) ?? [node];

/**
 * The domain com.microsoft, which onnxruntime's optimizer and quantizer write: each operator as nodes of the IR. One that the IR has under
 * the same name is returned as it is.
 */
export const CONTRIB: ReadonlyMap<string, Contrib> = new Map<string, Contrib>([
  ["BiasGelu", biasedGelu("none")],
  ["DequantizeLinear", alike],
  ["FastGelu", biasedGelu("tanh")],
  ["Gelu", alike],
  ["GridSample", alike],
  ["QuantizeLinear", alike],
  ["QuickGelu", quickGelu],
  ["Trilu", alike],
]);
