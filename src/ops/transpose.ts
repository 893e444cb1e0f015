import type { Node } from "../graph/graph.ts";
import { stridesOf, type TensorType, withShape } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineMover, wholeMove } from "./mover.ts";

/** The permutation of a Transpose; ONNX's default reverses the axes. Throws RangeError where it is none. */
export function permutationOf(node: Node, x: TensorType): readonly number[] {
  const rank = x.shape.length;
  const perm = (node.attrs.perm as readonly number[] | undefined) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((p) => p < 0 || p >= rank))
    throw new RangeError(`perm [${perm}] is no permutation of ${rank} axes`);
  return perm;
}

export const Transpose = defineMover({
  attrs: { perm: attr.ints() },
  arity: [1, 1],
  infer: ({ node, inputs: [x] }) => {
    const shape = permutationOf(node, x!).map((p) => x!.shape[p]);
    return [withShape(x!, shape)];
  },
  moves: ({ node, inputs: [x], outputs: [y] }) => {
    const strides = stridesOf(x!.shape);
    return [
      wholeMove(
        y,
        permutationOf(node, x!).map((p) => strides[p]),
      ),
    ];
  },
  bound: ({ node, inputs: [x], bound }) => ({ ...bound, axis: permutationOf(node, x!).indexOf(bound.axis) }),
  quantize: { kind: "same" },
  cases: [
    { name: "reversed", inputs: [wave([2, 3, 4])] },
    { name: "NCHW to NHWC", inputs: [wave([2, 3, 4, 5])], attrs: { perm: [0, 2, 3, 1] } },
    { name: "seven axes", inputs: [wave([2, 2, 3, 2, 2, 3, 2])], attrs: { perm: [6, 2, 4, 1, 5, 3, 0] } },
  ],
});
