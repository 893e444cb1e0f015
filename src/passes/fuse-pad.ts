import type { Graph, Node } from "../graph/graph.ts";
import { padsOf, padValue } from "../ops/pad.ts";
import { rewrite } from "./rewrite.ts";

/** Zeros that a Pad puts around the spatial axes become the padding of the Conv or AveragePool that alone reads them. */
export function fusePad(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const pad = draft.producer(node.inputs[0] ?? "");
    if (pad?.op !== "Pad" || pad.attrs.mode !== "constant" || !takesZeros(node)) return undefined;
    const ctx = {
      node: pad,
      inputs: pad.inputs.map((name) => (name === "" ? undefined : draft.type(name))),
      constant: (i: number) => draft.constant(pad.inputs[i] ?? ""),
    };
    if (draft.type(pad.inputs[0]).shape.length < 3 || padValue(ctx) !== 0) return undefined;
    const { before, after } = padsOf(ctx);
    const added = [...before.slice(2), ...after.slice(2)];
    if ([...before.slice(0, 2), ...after.slice(0, 2)].some((p) => p !== 0) || added.some((p) => p < 0)) return undefined;
    const own = (node.attrs.pads as readonly number[] | undefined) ?? added.map(() => 0);
    const pads = own.map((p, i) => p + added[i]);
    const counted = node.op === "AveragePool" ? { count_include_pad: 1 } : {};
    return [{ ...node, inputs: node.inputs.with(0, pad.inputs[0]), attrs: { ...node.attrs, pads, ...counted } }];
  });
}

/** An average counts padding of its own only if it says so, the zeros of a Pad always: with padding of its own it must say so. */
function takesZeros({ op, attrs }: Node): boolean {
  if (attrs.auto_pad !== "NOTSET" || attrs.layout !== "NCHW") return false;
  if (op === "Conv") return true;
  const own = (attrs.pads as readonly number[] | undefined) ?? [];
  return op === "AveragePool" && attrs.ceil_mode === 0 && (attrs.count_include_pad === 1 || own.every((p) => p === 0));
}
