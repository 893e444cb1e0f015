import type { AttrValue } from "../graph/graph.ts";
import { i64, tensor } from "../tensor/index.ts";
import type { RawNode, UpgradeContext } from "./define.ts";

/**
 * The commonest change between opsets: attributes that became inputs, lists as i64 and numbers as f32 scalars. `names` lists them in the order of the inputs
 * that follow the first; an input that the node has already wins, and absent ones leave a gap.
 */
export function attrsToInputs(node: RawNode, ctx: UpgradeContext, names: readonly string[]): RawNode {
  if (!names.some((name) => node.attrs[name] !== undefined)) return node;
  const attrs: Record<string, AttrValue> = { ...node.attrs };
  const inputs = [node.inputs[0] ?? ""];
  names.forEach((name, i) => {
    const value = attrs[name];
    delete attrs[name];
    const given = node.inputs[i + 1];
    if (given) inputs.push(given);
    else if (Array.isArray(value)) inputs.push(ctx.constant(i64(value)));
    else if (typeof value === "number") inputs.push(ctx.constant(tensor("f32", [value], [])));
    else inputs.push("");
  });
  return { ...node, attrs, inputs: [...inputs, ...node.inputs.slice(inputs.length)] };
}
