import { Op, TableField, Unary, UnaryField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { dequantizeValue, elementCount, f32, quantizeValue, type Tensor, type TensorType, zeros } from "../tensor/index.ts";
import { type AttrSpec, attr, defineOp, type OpDef, type UpgradeContext, wave } from "./define.ts";
import { f32Bits, type Lowering } from "./lowering.ts";

type Real = (x: number) => number;

interface UnaryRow {
  readonly kind: Unary;
  readonly attrs?: Readonly<Record<string, AttrSpec>>;
  /** The function for a node's parameters; computed in double. */
  readonly real: (alpha: number, beta: number) => Real;
  /** Where the two parameters come from; attributes `alpha` and `beta` unless said. */
  readonly parameters?: (node: Node, constant: (index: number) => Tensor | undefined) => readonly [number, number];
  readonly arity?: readonly [number, number];
  readonly tolerance?: "exact" | number;
  readonly upgrade?: OpDef["upgrade"];
  readonly positive?: boolean;
}

const sigmoid: Real = (x) => 1 / (1 + Math.exp(-x));
const limit = (x: number, lo: number, hi: number): number => Math.min(Math.max(x, lo), hi);

/** The error function by its Maclaurin series below 3, and by a continued fraction of erfc above (Abramowitz and Stegun 7.1.5 and 7.1.14). */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let sum = a;
    for (let n = 1, term = a; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

const alpha = (value: number): Record<string, AttrSpec> => ({ alpha: attr.float(value) });

const ROWS = {
  Abs: { kind: Unary.abs, real: () => Math.abs, tolerance: "exact" },
  Neg: { kind: Unary.neg, real: () => (x) => -x, tolerance: "exact" },
  Exp: { kind: Unary.exp, real: () => Math.exp },
  Log: { kind: Unary.log, real: () => Math.log, positive: true },
  Sqrt: { kind: Unary.sqrt, real: () => Math.sqrt, tolerance: "exact", positive: true },
  Reciprocal: { kind: Unary.reciprocal, real: () => (x) => 1 / x, tolerance: "exact", positive: true },
  Floor: { kind: Unary.floor, real: () => Math.floor, tolerance: "exact" },
  Ceil: { kind: Unary.ceil, real: () => Math.ceil, tolerance: "exact" },
  Sigmoid: { kind: Unary.sigmoid, real: () => sigmoid },
  Tanh: { kind: Unary.tanh, real: () => Math.tanh },
  Erf: { kind: Unary.erf, real: () => erf },
  Softplus: { kind: Unary.softplus, real: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
  Elu: { kind: Unary.elu, attrs: alpha(1), real: (a) => (x) => (x < 0 ? a * Math.expm1(x) : x) },
  LeakyRelu: { kind: Unary.leaky_relu, attrs: alpha(0.01), real: (a) => (x) => (x < 0 ? a * x : x) },
  HardSigmoid: {
    kind: Unary.hard_sigmoid,
    attrs: { ...alpha(0.2), beta: attr.float(0.5) },
    real: (a, b) => (x) => limit(a * x + b, 0, 1),
  },
  HardSwish: { kind: Unary.hard_swish, real: () => (x) => x * limit(x / 6 + 0.5, 0, 1) },
  Gelu: {
    kind: Unary.gelu,
    attrs: { approximate: attr.string("none") },
    real: () => (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    parameters: (node) => {
      if (node.attrs.approximate !== "none") throw new RangeError(`approximate "${node.attrs.approximate}" is not supported`);
      return [0, 0];
    },
  },
  Relu: {
    kind: Unary.clamp,
    real: (lo, hi) => (x) => limit(x, lo, hi),
    parameters: () => [0, Number.POSITIVE_INFINITY],
    tolerance: "exact",
  },
  Clip: {
    kind: Unary.clamp,
    real: (lo, hi) => (x) => limit(x, lo, hi),
    arity: [1, 3],
    parameters: clipBounds,
    upgrade: upgradeClip,
    tolerance: "exact",
  },
} satisfies Record<string, UnaryRow>;

/** The bounds of a Clip whose limits are known; a limit that is computed while the model runs is a RangeError. */
export function clipBounds(node: Node, constant: (index: number) => Tensor | undefined): readonly [number, number] {
  const [lo, hi] = [1, 2].map((i) => {
    if (!node.inputs[i]) return i === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const bound = constant(i);
    if (!bound) throw new RangeError("bounds that are computed while the model runs are not supported");
    return bound.data[0];
  });
  return [lo, hi];
}

/** Clip-6 had its bounds as attributes. */
function upgradeClip(node: Parameters<NonNullable<OpDef["upgrade"]>>[0], ctx: UpgradeContext) {
  const { min, max, ...attrs } = node.attrs;
  if (min === undefined && max === undefined) return [node];
  const bounds = [min, max].map((bound) => (bound === undefined ? "" : ctx.constant(f32([bound as number], []))));
  return [{ ...node, attrs, inputs: [node.inputs[0], ...bounds] }];
}

function unary(name: string, row: UnaryRow): OpDef {
  const parameters = row.parameters ?? ((node) => [(node.attrs.alpha as number) ?? 0, (node.attrs.beta as number) ?? 0]);
  return defineOp({
    attrs: row.attrs ?? {},
    arity: row.arity ?? [1, 1],
    tolerance: row.tolerance ?? 2e-6,
    infer: ({ node, inputs: [x] }) => {
      if (node.quant) return [{ dtype: "i8", shape: x!.shape, quant: node.quant }];
      return [{ dtype: x!.dtype, shape: x!.shape }];
    },
    eval({ node, inputs }) {
      const x = inputs[0]!;
      const f = row.real(...parameters(node, (i) => inputs[i]));
      const out = zeros(node.quant ? { dtype: "i8", shape: x.shape, quant: node.quant } : { dtype: x.dtype, shape: x.shape });
      if (node.quant) {
        const table = tableOf(f, x, node.quant);
        x.data.forEach((q, i) => {
          out.data[i] = table[q + 128];
        });
      } else {
        x.data.forEach((v, i) => {
          out.data[i] = f(v);
        });
      }
      return [out];
    },
    upgrade: row.upgrade,
    permute: (_node, perm) => ({ inputs: "first", perm }),
    quantize: { kind: "table" },
    lower: (ctx) => lowerUnary(ctx, row, parameters),
    cases: [
      { name: `${name} line`, inputs: [spread(row.positive), ...bounds(name)], constants: [1, 2] },
      { name: `${name} short`, inputs: [f32([0.75], []), ...bounds(name)], constants: [1, 2] },
    ],
  });
}

const spread = (positive = false): Tensor =>
  f32(
    wave([3, 37], 1).data.map((v) => (positive ? 5 * v + 5.5 : 8 * v)),
    [3, 37],
  );
const bounds = (name: string): Tensor[] => (name === "Clip" ? [f32([-1], []), f32([0.5], [])] : []);

/** The 256 results of a function between two grids. */
export function tableOf(f: Real, from: TensorType, to: NonNullable<TensorType["quant"]>): Int8Array {
  const { scale, zero } = from.quant!;
  return Int8Array.from({ length: 256 }, (_, i) => quantizeValue(f(dequantizeValue(i - 128, scale[0], zero)), to.scale[0], to.zero));
}

function lowerUnary(ctx: Lowering, row: UnaryRow, parameters: NonNullable<UnaryRow["parameters"]>): void {
  const { node } = ctx;
  const [x, out] = [node.inputs[0], node.outputs[0]];
  const type = ctx.type(x);
  const [first, second] = parameters(node, (i) => ctx.constant(node.inputs[i]));
  const n = elementCount(type.shape);
  if (node.quant) {
    emitTable(ctx, tableOf(row.real(first, second), type, node.quant), n);
    return;
  }
  if (type.dtype !== "f32") throw new RangeError(`there is no kernel for ${type.dtype}`);
  ctx.emit(Op.f32_unary, {
    [UnaryField.kind]: row.kind,
    [UnaryField.n]: n,
    [UnaryField.a]: ctx.place(x),
    [UnaryField.alpha]: f32Bits(first),
    [UnaryField.beta]: f32Bits(second),
    [UnaryField.c]: ctx.place(out),
  });
}

/** From the node's first input to its output, through a table. */
export function emitTable(ctx: Lowering, table: Int8Array, n: number): void {
  ctx.emit(Op.qs8_table, {
    [TableField.n]: n,
    [TableField.a]: ctx.place(ctx.node.inputs[0]),
    [TableField.table]: ctx.image(table),
    [TableField.c]: ctx.place(ctx.node.outputs[0]),
  });
}

export const Abs = unary("Abs", ROWS.Abs);
export const Neg = unary("Neg", ROWS.Neg);
export const Exp = unary("Exp", ROWS.Exp);
export const Log = unary("Log", ROWS.Log);
export const Sqrt = unary("Sqrt", ROWS.Sqrt);
export const Reciprocal = unary("Reciprocal", ROWS.Reciprocal);
export const Floor = unary("Floor", ROWS.Floor);
export const Ceil = unary("Ceil", ROWS.Ceil);
export const Sigmoid = unary("Sigmoid", ROWS.Sigmoid);
export const Tanh = unary("Tanh", ROWS.Tanh);
export const Erf = unary("Erf", ROWS.Erf);
export const Softplus = unary("Softplus", ROWS.Softplus);
export const Elu = unary("Elu", ROWS.Elu);
export const LeakyRelu = unary("LeakyRelu", ROWS.LeakyRelu);
export const HardSigmoid = unary("HardSigmoid", ROWS.HardSigmoid);
export const HardSwish = unary("HardSwish", ROWS.HardSwish);
export const Gelu = unary("Gelu", ROWS.Gelu);
export const Relu = unary("Relu", ROWS.Relu);
export const Clip = unary("Clip", ROWS.Clip);
