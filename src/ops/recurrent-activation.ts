/** Activations that recurrent operators name: as numbers, and as nodes. */
import type { Node } from "../graph/graph.ts";

type Add = (op: string, inputs: readonly string[], attrs?: Node["attrs"]) => string;

interface Kind {
  /** Defaults of the parameters that it takes. */
  readonly alpha?: number;
  readonly beta?: number;
  apply(x: number, alpha: number, beta: number): number;
  /** Absent: the node of the same name, with the parameters as attributes. */
  write?(x: string, alpha: number, beta: number, add: Add, number: (value: number) => string): string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  Relu: { apply: (x) => Math.max(x, 0) },
  Tanh: { apply: Math.tanh },
  Sigmoid: { apply: (x) => 1 / (1 + Math.exp(-x)) },
  Affine: {
    alpha: 1,
    beta: 0,
    apply: (x, alpha, beta) => alpha * x + beta,
    write: (x, alpha, beta, add, number) => add("Add", [add("Mul", [x, number(alpha)]), number(beta)]),
  },
  LeakyRelu: { alpha: 0.01, apply: (x, alpha) => (x < 0 ? alpha * x : x) },
  ThresholdedRelu: { alpha: 1, apply: (x, alpha) => (x > alpha ? x : 0) },
  ScaledTanh: {
    alpha: 1,
    beta: 1,
    apply: (x, alpha, beta) => alpha * Math.tanh(beta * x),
    write: (x, alpha, beta, add, number) => add("Mul", [add("Tanh", [add("Mul", [x, number(beta)])]), number(alpha)]),
  },
  HardSigmoid: { alpha: 0.2, beta: 0.5, apply: (x, alpha, beta) => Math.min(Math.max(alpha * x + beta, 0), 1) },
  Elu: { alpha: 1, apply: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x) },
  Softsign: { apply: (x) => x / (1 + Math.abs(x)) },
  Softplus: { apply: (x) => Math.log1p(Math.exp(x)) },
};

const BY_NAME: ReadonlyMap<string, string> = new Map(Object.keys(KINDS).map((name) => [name.toLowerCase(), name]));

export interface Activation {
  apply(x: number): number;
  write(x: string, add: Add, number: (value: number) => string): string;
}

/**
 * The activations of all directions in a row. Parameters are taken from `activation_alpha` and `activation_beta` in order by those that have them; their
 * defaults are those of the operators of the same names (onnxruntime takes 0 for Affine, ScaledTanh and ThresholdedRelu).
 * Throws RangeError for names that are not known, and for too few or many.
 */
export function activationsOf(attrs: Node["attrs"], defaults: readonly string[], directions: number): readonly Activation[] {
  const names = (attrs.activations as readonly string[] | undefined) ?? new Array(directions).fill(defaults).flat();
  if (names.length !== defaults.length * directions)
    throw new RangeError(`activations has ${names.length} names, not ${defaults.length * directions}`);
  const alphas = [...((attrs.activation_alpha as readonly number[] | undefined) ?? [])];
  const betas = [...((attrs.activation_beta as readonly number[] | undefined) ?? [])];
  return names.map((given) => {
    const name = BY_NAME.get(String(given).toLowerCase());
    if (!name) throw new RangeError(`the activation ${given} is not supported`);
    const kind = KINDS[name];
    const alpha = kind.alpha === undefined ? 0 : (alphas.shift() ?? kind.alpha);
    const beta = kind.beta === undefined ? 0 : (betas.shift() ?? kind.beta);
    const parameters = { ...(kind.alpha !== undefined && { alpha }), ...(kind.beta !== undefined && { beta }) };
    return {
      apply: (x) => kind.apply(x, alpha, beta),
      write: (x, add, number) => kind.write?.(x, alpha, beta, add, number) ?? add(name, [x], parameters),
    };
  });
}
