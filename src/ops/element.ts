/** Records over elements of any type: what operators on integers and bool lower to, and comparisons of reals. */
import { ElementBinary, ElementBinaryField, type ElementUnary, ElementUnaryField } from "../../assembly/shared/elementwise.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { type DType, elementCount, type Tensor, type TensorType, zeros } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { broadcastDims, broadcastReader, commonShape } from "./broadcast.ts";
import { defineOp, type OpCase, type OpDef } from "./define.ts";
import { ELEMENTS, type Lowering } from "./lowering.ts";

/** One record from the node's inputs 0 and 1, which are of one type, to its output. */
export function emitElementBinary(ctx: Lowering, kind: ElementBinary): void {
  const [a, b] = ctx.node.inputs;
  const [c] = ctx.node.outputs;
  const { shape } = ctx.type(c);
  const {
    dims: d,
    strides: [sa, sb],
  } = broadcastDims(shape, [ctx.type(a).shape, ctx.type(b).shape]);
  ctx.emit(Op.element_binary, {
    [ElementBinaryField.kind]: kind,
    [ElementBinaryField.d0]: d[0],
    [ElementBinaryField.d1]: d[1],
    [ElementBinaryField.d2]: d[2],
    [ElementBinaryField.d3]: d[3],
    [ElementBinaryField.d4]: d[4],
    [ElementBinaryField.d5]: d[5],
    [ElementBinaryField.a]: ctx.place(a),
    [ElementBinaryField.a0]: sa[0],
    [ElementBinaryField.a1]: sa[1],
    [ElementBinaryField.a2]: sa[2],
    [ElementBinaryField.a3]: sa[3],
    [ElementBinaryField.a4]: sa[4],
    [ElementBinaryField.a5]: sa[5],
    [ElementBinaryField.b]: ctx.place(b),
    [ElementBinaryField.b0]: sb[0],
    [ElementBinaryField.b1]: sb[1],
    [ElementBinaryField.b2]: sb[2],
    [ElementBinaryField.b3]: sb[3],
    [ElementBinaryField.b4]: sb[4],
    [ElementBinaryField.b5]: sb[5],
    [ElementBinaryField.c]: ctx.place(c),
    [ElementBinaryField.type]: ELEMENTS[ctx.type(a).dtype],
  });
}

/** One record from the node's input 0 to its output. */
export function emitElementUnary(ctx: Lowering, kind: ElementUnary, lo = 0, hi = 0): void {
  const [a] = ctx.node.inputs;
  const type = ctx.type(a);
  ctx.emit(Op.element_unary, {
    [ElementUnaryField.kind]: kind,
    [ElementUnaryField.n]: elementCount(type.shape),
    [ElementUnaryField.a]: ctx.place(a),
    [ElementUnaryField.c]: ctx.place(ctx.node.outputs[0]),
    [ElementUnaryField.type]: ELEMENTS[type.dtype],
    [ElementUnaryField.lo]: lo,
    [ElementUnaryField.hi]: hi,
  });
}

/** A binary operator that has no kernel of its own type: a row of a table. */
export interface ElementRow extends Pick<OpDef, "attrs" | "cases"> {
  /** Types that both operands may have, alike. */
  readonly types: readonly DType[];
  readonly kind: (attrs: OpCase["attrs"] & {}) => ElementBinary;
  /** On numbers of the type; results are stored in it, wrapped to its width, or are bool where `kind` says so. */
  readonly compute: (a: number, b: number, attrs: OpCase["attrs"] & {}, dtype: DType) => number;
}

/** Whether the permuted operands of a broadcasting operator fit together: each has all axes, or a single element. */
export function permutesAll(perm: readonly number[], inputs: readonly (TensorType | undefined)[]): boolean {
  return inputs.every((t) => t!.shape.length === perm.length || elementCount(t!.shape) === 1);
}

export function elementBinary(row: ElementRow): OpDef {
  const result = (dtype: DType, attrs: OpCase["attrs"] & {}): DType => (row.kind(attrs) >= ElementBinary.equal ? "bool" : dtype);
  return defineOp({
    attrs: row.attrs,
    arity: [2, 2],
    tolerance: "exact",
    infer({ node, inputs }) {
      const [a, b] = inputs.map((x) => x!.dtype);
      if (a !== b) throw new RangeError(`operands are ${a} and ${b}; they must be alike`);
      if (!row.types.includes(a)) throw new RangeError(`takes ${row.types.join(", ")}, not ${a}`);
      return [{ dtype: result(a, node.attrs), shape: commonShape(inputs) }];
    },
    eval({ node, inputs }): Tensor[] {
      const shape = commonShape(inputs);
      const { dtype } = inputs[0]!;
      const out = zeros({ dtype: result(dtype, node.attrs), shape });
      const [a, b] = inputs.map((x) => broadcastReader(x!, shape));
      for (let i = 0; i < out.data.length; i++) out.data[i] = row.compute(a(i), b(i), node.attrs, dtype);
      return [out];
    },
    permute: (_node, perm, { inputs }) => (permutesAll(perm, inputs) ? { inputs: "all", perm } : undefined),
    bound: pointwise,
    lower: (ctx) => emitElementBinary(ctx, row.kind(ctx.node.attrs)),
    cases: row.cases,
  });
}
