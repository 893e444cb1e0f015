import { ElementUnary } from "../../assembly/shared/elementwise.ts";
import { Op, TableField, Unary, UnaryField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  dequantizeValue,
  elementCount,
  f32,
  quantizeValue,
  roundEven,
  type Tensor,
  type TensorType,
  tensor,
  zeros,
} from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { type AttrSpec, attr, type Decomposition, defineOp, type OpDef, type UpgradeContext, wave } from "./define.ts";
import { emitElementUnary } from "./element.ts";
import { erf } from "./erf.ts";
import { f32Bits, type Lowering } from "./lowering.ts";

type Real = (x: number) => number;

interface UnaryRow {
  readonly kind: Unary | ((node: Node) => Unary);
  readonly attrs?: Readonly<Record<string, AttrSpec>>;
  /** The function for a node's parameters; computed in double. */
  readonly real: (alpha: number, beta: number, node: Node) => Real;
  /** Where the two parameters come from; attributes `alpha` and `beta` unless said. */
  readonly parameters?: (node: Node, constant: (index: number) => Tensor | undefined) => readonly [number, number];
  readonly arity?: readonly [number, number];
  readonly tolerance?: "exact" | number;
  readonly upgrade?: OpDef["upgrade"];
  readonly decompose?: OpDef["decompose"];
  /** The kind on integers, within the parameters; reals only where it is absent. */
  readonly integer?: ElementUnary;
  /** Where inputs for cases lie; −8 to 8 unless said. */
  readonly domain?: readonly [number, number];
  /** Cases beyond those that every row has. */
  readonly cases?: OpDef["cases"];
}

const POSITIVE = [0.5, 10.5] as const;
const UNIT = [-1, 1] as const;

const sigmoid: Real = (x) => 1 / (1 + Math.exp(-x));
const limit = (x: number, lo: number, hi: number): number => Math.min(Math.max(x, lo), hi);

const tanhGelu: Real = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const integers = tensor("i32", [-5, 0, 7, -2147483647]);

const alpha = (value: number): Record<string, AttrSpec> => ({ alpha: attr.float(value) });

const ROWS = {
  Abs: { kind: Unary.abs, real: () => Math.abs, tolerance: "exact", integer: ElementUnary.abs },
  Neg: { kind: Unary.neg, real: () => (x) => -x, tolerance: "exact", integer: ElementUnary.neg },
  Sign: { kind: Unary.sign, real: () => Math.sign, tolerance: "exact", integer: ElementUnary.sign },
  Round: { kind: Unary.round, real: () => roundEven, tolerance: "exact" },
  Exp: { kind: Unary.exp, real: () => Math.exp },
  Log: { kind: Unary.log, real: () => Math.log, domain: POSITIVE },
  Sqrt: { kind: Unary.sqrt, real: () => Math.sqrt, tolerance: "exact", domain: POSITIVE },
  Reciprocal: { kind: Unary.reciprocal, real: () => (x) => 1 / x, tolerance: "exact", domain: POSITIVE },
  Floor: { kind: Unary.floor, real: () => Math.floor, tolerance: "exact" },
  Ceil: { kind: Unary.ceil, real: () => Math.ceil, tolerance: "exact" },
  Sin: { kind: Unary.sin, real: () => Math.sin },
  Cos: { kind: Unary.cos, real: () => Math.cos },
  Tan: { kind: Unary.tan, real: () => Math.tan, domain: [-1.5, 1.5] },
  Asin: { kind: Unary.asin, real: () => Math.asin, domain: UNIT },
  Acos: { kind: Unary.acos, real: () => Math.acos, domain: UNIT },
  Atan: { kind: Unary.atan, real: () => Math.atan },
  Sinh: { kind: Unary.sinh, real: () => Math.sinh },
  Cosh: { kind: Unary.cosh, real: () => Math.cosh },
  Asinh: { kind: Unary.asinh, real: () => Math.asinh },
  Acosh: { kind: Unary.acosh, real: () => Math.acosh, domain: [1, 20] },
  Atanh: { kind: Unary.atanh, real: () => Math.atanh, domain: [-0.99, 0.99] },
  Sigmoid: { kind: Unary.sigmoid, real: () => sigmoid },
  Tanh: { kind: Unary.tanh, real: () => Math.tanh },
  Erf: { kind: Unary.erf, real: () => erf },
  Softplus: { kind: Unary.softplus, real: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
  Elu: { kind: Unary.elu, attrs: alpha(1), real: (a) => (x) => (x < 0 ? a * Math.expm1(x) : x) },
  Selu: {
    kind: Unary.selu,
    attrs: { ...alpha(1.6732631921768188), gamma: attr.float(1.0507010221481323) },
    real: (a, gain) => (x) => gain * (x > 0 ? x : a * Math.expm1(x)),
    parameters: ({ attrs }) => [attrs.alpha as number, attrs.gamma as number],
  },
  Celu: { kind: Unary.celu, attrs: alpha(1), real: (a) => (x) => (x > 0 ? x : a * Math.expm1(x / a)) },
  ThresholdedRelu: { kind: Unary.thresholded_relu, attrs: alpha(1), real: (a) => (x) => (x > a ? x : 0), tolerance: "exact" },
  Shrink: {
    kind: Unary.shrink,
    attrs: { bias: attr.float(0), lambd: attr.float(0.5) },
    real: (bias, lambd) => (x) => (x < -lambd ? x + bias : x > lambd ? x - bias : 0),
    parameters: ({ attrs }) => [attrs.bias as number, attrs.lambd as number],
    cases: [{ name: "soft", inputs: [wave([3, 7])], attrs: { bias: 0.25, lambd: 0.25 } }],
  },
  Softsign: { kind: Unary.softsign, real: () => (x) => x / (1 + Math.abs(x)) },
  Mish: { kind: Unary.mish, real: () => (x) => x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))) },
  LeakyRelu: { kind: Unary.leaky_relu, attrs: alpha(0.01), real: (a) => (x) => (x < 0 ? a * x : x) },
  HardSigmoid: {
    kind: Unary.hard_sigmoid,
    attrs: { ...alpha(0.2), beta: attr.float(0.5) },
    real: (a, b) => (x) => limit(a * x + b, 0, 1),
  },
  Swish: {
    kind: Unary.silu,
    attrs: alpha(1),
    real: (a) => (x) => x * sigmoid(a * x),
    cases: [{ name: "a factor", inputs: [spread()], attrs: { alpha: 1.702 } }],
  },
  HardSwish: { kind: Unary.hard_swish, real: () => (x) => x * limit(x / 6 + 0.5, 0, 1) },
  Gelu: {
    kind: (node) => (isTanh(node) ? Unary.gelu_tanh : Unary.gelu),
    attrs: { approximate: attr.string("none") },
    real: (_alpha, _beta, node) => (isTanh(node) ? tanhGelu : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2))),
    cases: [
      { name: "tanh", inputs: [spread()], attrs: { approximate: "tanh" } },
      { name: "tanh, far below", inputs: [f32([-60, -1e4, -1e10, 1e10])], attrs: { approximate: "tanh" } },
    ],
  },
  Relu: {
    kind: Unary.clamp,
    real: (lo, hi) => (x) => limit(x, lo, hi),
    parameters: () => [0, Number.POSITIVE_INFINITY],
    tolerance: "exact",
    integer: ElementUnary.clamp,
  },
  Clip: {
    kind: Unary.clamp,
    real: (lo, hi) => (x) => limit(x, lo, hi),
    arity: [1, 3],
    parameters: clipBounds,
    upgrade: upgradeClip,
    decompose: decomposeClip,
    tolerance: "exact",
    integer: ElementUnary.clamp,
    cases: [
      { name: "one bound", inputs: [wave([7]), undefined, f32([0.25], [])], constants: [2] },
      { name: "bounds of the wrong order", inputs: [wave([7]), f32([0.5], []), f32([0.25], [])], constants: [1, 2] },
      { name: "computed bounds", inputs: [wave([7]), f32([-0.5], []), f32([0.25], [])] },
      { name: "integers", inputs: [tensor("i8", [-128, -3, 0, 5, 127]), tensor("i8", [-4], []), tensor("i8", [6], [])], constants: [1, 2] },
      { name: "a lower bound of integers", inputs: [tensor("i32", [-128, 5]), tensor("i32", [0], [])] },
    ],
  },
} satisfies Record<string, UnaryRow>;

function isTanh({ attrs: { approximate } }: Node): boolean {
  if (approximate !== "none" && approximate !== "tanh") throw new RangeError(`approximate must be none or tanh, is ${approximate}`);
  return approximate === "tanh";
}

/** The bounds of a Clip; one that is computed while the model runs was taken apart before. */
function clipBounds(node: Node, constant: (index: number) => Tensor | undefined): readonly [number, number] {
  const [lo, hi] = [1, 2].map((i) => {
    if (!node.inputs[i]) return i === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const bound = constant(i);
    if (!bound) throw new RangeError("its bounds are computed while the model runs");
    if (bound.data.length !== 1) throw new RangeError(`a bound has the shape [${bound.shape}]; it must be one number`);
    return bound.data[0];
  });
  return [lo, hi];
}

/** With bounds that are computed while the model runs: the larger of x and the lower, the smaller of that and the upper. */
function decomposeClip({ node, constant, add }: Decomposition): void {
  const [x, lo, hi] = node.inputs;
  if ([lo, hi].every((bound) => !bound || constant(bound))) return;
  const raised = lo ? add("Max", [x, lo], {}, hi ? undefined : node.outputs) : x;
  if (hi) add("Min", [raised, hi], {}, node.outputs);
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
      if (x!.dtype === "bool" || (x!.dtype !== "f32" && row.integer === undefined)) throw new RangeError(`takes floats, not ${x!.dtype}`);
      return [{ dtype: x!.dtype, shape: x!.shape }];
    },
    eval({ node, inputs }) {
      const x = inputs[0]!;
      const f = row.real(...parameters(node, (i) => inputs[i]), node);
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
    bound: pointwise,
    quantize: { kind: "table" },
    decompose: row.decompose,
    lower: (ctx) => lowerUnary(ctx, row, parameters),
    cases: [
      { name: `${name} line`, inputs: [spread(row.domain), ...bounds(name)], constants: [1, 2] },
      { name: `${name} short`, inputs: [f32([row.domain === UNIT ? 0.75 : 1.25], []), ...bounds(name)], constants: [1, 2] },
      ...(row.integer === undefined || name === "Clip" ? [] : [{ name: `${name} integers`, inputs: [integers] }]),
      ...(row.cases ?? []),
    ],
  });
}

/** Values all over a domain. */
function spread([lo, hi]: readonly [number, number] = [-8, 8]): Tensor {
  return f32(
    wave([3, 37], 1).data.map((v) => (lo + hi) / 2 + (v * (hi - lo)) / 2),
    [3, 37],
  );
}
const bounds = (name: string): Tensor[] => (name === "Clip" ? [f32([-1], []), f32([0.5], [])] : []);

/** The 256 results of a function between two grids. */
export function tableOf(f: Real, from: TensorType, to: NonNullable<TensorType["quant"]>): Int8Array {
  const { scale, zero } = from.quant!;
  return Int8Array.from({ length: 256 }, (_, i) => quantizeValue(f(dequantizeValue(i - 128, scale[0], zero)), to.scale[0], to.zero));
}

const [I32_MIN, I32_MAX] = [-(2 ** 31), 2 ** 31 - 1];

function lowerUnary(ctx: Lowering, row: UnaryRow, parameters: NonNullable<UnaryRow["parameters"]>): void {
  const { node } = ctx;
  const [x, out] = [node.inputs[0], node.outputs[0]];
  const type = ctx.type(x);
  const [first, second] = parameters(node, (i) => ctx.constant(node.inputs[i]));
  const n = elementCount(type.shape);
  if (node.quant) {
    emitTable(ctx, tableOf(row.real(first, second, node), type, node.quant), n);
    return;
  }
  if (type.dtype !== "f32") {
    emitElementUnary(ctx, row.integer!, limit(Math.ceil(first), I32_MIN, I32_MAX), limit(Math.floor(second), I32_MIN, I32_MAX));
    return;
  }
  ctx.emit(Op.f32_unary, {
    [UnaryField.kind]: typeof row.kind === "function" ? row.kind(node) : row.kind,
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
export const Sign = unary("Sign", ROWS.Sign);
export const Round = unary("Round", ROWS.Round);
export const Exp = unary("Exp", ROWS.Exp);
export const Log = unary("Log", ROWS.Log);
export const Sqrt = unary("Sqrt", ROWS.Sqrt);
export const Reciprocal = unary("Reciprocal", ROWS.Reciprocal);
export const Floor = unary("Floor", ROWS.Floor);
export const Ceil = unary("Ceil", ROWS.Ceil);
export const Sin = unary("Sin", ROWS.Sin);
export const Cos = unary("Cos", ROWS.Cos);
export const Tan = unary("Tan", ROWS.Tan);
export const Asin = unary("Asin", ROWS.Asin);
export const Acos = unary("Acos", ROWS.Acos);
export const Atan = unary("Atan", ROWS.Atan);
export const Sinh = unary("Sinh", ROWS.Sinh);
export const Cosh = unary("Cosh", ROWS.Cosh);
export const Asinh = unary("Asinh", ROWS.Asinh);
export const Acosh = unary("Acosh", ROWS.Acosh);
export const Atanh = unary("Atanh", ROWS.Atanh);
export const Sigmoid = unary("Sigmoid", ROWS.Sigmoid);
export const Tanh = unary("Tanh", ROWS.Tanh);
export const Erf = unary("Erf", ROWS.Erf);
export const Softplus = unary("Softplus", ROWS.Softplus);
export const Elu = unary("Elu", ROWS.Elu);
export const Selu = unary("Selu", ROWS.Selu);
export const Celu = unary("Celu", ROWS.Celu);
export const ThresholdedRelu = unary("ThresholdedRelu", ROWS.ThresholdedRelu);
export const Shrink = unary("Shrink", ROWS.Shrink);
export const Softsign = unary("Softsign", ROWS.Softsign);
export const Mish = unary("Mish", ROWS.Mish);
export const LeakyRelu = unary("LeakyRelu", ROWS.LeakyRelu);
export const HardSigmoid = unary("HardSigmoid", ROWS.HardSigmoid);
export const HardSwish = unary("HardSwish", ROWS.HardSwish);
/** As in opset 24; `alpha` 1 is SiLU. */
export const Swish = unary("Swish", ROWS.Swish);
export const Gelu = unary("Gelu", ROWS.Gelu);
export const Relu = unary("Relu", ROWS.Relu);
export const Clip = unary("Clip", ROWS.Clip);
