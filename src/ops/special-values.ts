/** Which elements are NaN or infinite. */
import { ElementUnary } from "../../assembly/shared/elementwise.ts";
import { f32, zeros } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { attr, defineOp, type OpDef } from "./define.ts";
import { emitElementUnary } from "./element.ts";

const VALUES = f32([0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38]);

interface PredicateRow extends Pick<OpDef, "attrs" | "cases"> {
  readonly kind: ElementUnary;
  readonly holds: (x: number, negative: boolean, positive: boolean) => boolean;
}

function predicate({ attrs, kind, holds, cases }: PredicateRow): OpDef {
  return defineOp({
    attrs,
    arity: [1, 1],
    tolerance: "exact",
    infer: ({ inputs: [x] }) => {
      if (x!.dtype !== "f32") throw new RangeError(`takes floats, not ${x!.dtype}`);
      return [{ dtype: "bool", shape: x!.shape }];
    },
    eval: ({ node, inputs: [x] }) => {
      const out = zeros({ dtype: "bool", shape: x!.shape });
      x!.data.forEach((v, i) => {
        out.data[i] = holds(v, node.attrs.detect_negative === 1, node.attrs.detect_positive === 1) ? 1 : 0;
      });
      return [out];
    },
    permute: (node, perm) => ({ attrs: node.attrs, perm }),
    bound: pointwise,
    lower: (ctx) => {
      const { detect_negative = 0, detect_positive = 0 } = ctx.node.attrs as Record<string, number>;
      emitElementUnary(ctx, kind, detect_negative, detect_positive);
    },
    cases,
  });
}

export const IsNaN = predicate({
  attrs: {},
  kind: ElementUnary.is_nan,
  holds: Number.isNaN,
  cases: [{ name: "all kinds of numbers", inputs: [VALUES] }],
});

export const IsInf = predicate({
  attrs: { detect_negative: attr.int(1), detect_positive: attr.int(1) },
  kind: ElementUnary.is_inf,
  holds: (x, negative, positive) => (negative && x === Number.NEGATIVE_INFINITY) || (positive && x === Number.POSITIVE_INFINITY),
  cases: [
    { name: "both", inputs: [VALUES] },
    { name: "negative", inputs: [VALUES], attrs: { detect_positive: 0 } },
    { name: "positive", inputs: [VALUES], attrs: { detect_negative: 0 } },
  ],
});
