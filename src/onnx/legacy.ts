/** Opsets before 7: attributes that said how memory is shared, whether the model is in training, and how operands broadcast. */
import type { RawNode, UpgradeContext } from "../ops/define.ts";
import { i64 } from "../tensor/index.ts";

/** First opset in which operands broadcast as in numpy, without being told to. */
export const BROADCASTING = 7;

/** Operators whose `axis` says which dimension of the first operand the second one's first dimension lies on. */
const ALIGNED: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less", "PRelu"]);

/** The slope of a PRelu lies on the channels, without being told to. */
const CHANNELWISE: Readonly<Record<string, RawNode["attrs"]>> = { PRelu: { broadcast: 1, axis: 1 } };

/**
 * The node as opset 7 writes it, and before it those that give a second operand that is aligned by `axis` its trailing dimensions of 1. They
 * compute from shapes alone and fold away.
 */
export function raiseLegacy(node: RawNode, ctx: UpgradeContext): { readonly node: RawNode; readonly before: readonly RawNode[] } {
  const { consumed_inputs: _shared, is_test: _inference, ...attrs } = node.attrs;
  const aligned = ALIGNED.has(node.op);
  if (!aligned && node.op !== "Gemm") return { node: { ...node, attrs }, before: [] };
  const { broadcast, axis, ...rest } = { ...attrs, ...CHANNELWISE[node.op] };
  if (!aligned || !broadcast || axis === undefined) return { node: { ...node, attrs: rest }, before: [] };

  const [a, b] = node.inputs;
  const before: RawNode[] = [];
  const compute = (op: string, inputs: readonly string[], extra: RawNode["attrs"] = {}): string => {
    const output = ctx.fresh();
    before.push({ op, name: output, inputs, outputs: [output], attrs: extra });
    return output;
  };
  const rankOf = (value: string) => compute("Shape", [compute("Shape", [value])]);
  const behind = compute("Sub", [compute("Sub", [rankOf(a), ctx.constant(i64([Number(axis)]))]), rankOf(b)]);
  const ones = compute("ConstantOfShape", [behind], { value: i64([1]) });
  const shape = compute("Concat", [compute("Shape", [b]), ones], { axis: 0 });
  return { node: { ...node, inputs: [a, compute("Reshape", [b, shape])], attrs: rest }, before };
}
