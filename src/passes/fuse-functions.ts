import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { elementCount, f32 } from "../tensor/index.ts";
import { any, constant, type Match, match, mean, op, type Pattern, product, sum } from "./pattern.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** An operator, how exporters spell it, and its attributes by the numbers that were found (undefined where they do not fit). */
interface Fusion {
  readonly op: string;
  readonly pattern: Pattern;
  attrs?(scalars: (name: string) => number): Node["attrs"] | undefined;
}

const x = any("x");
const T = Math.sqrt(2 / Math.PI);
const C = 0.044715;
const cubic = sum(0, x, product(C, [x, 3]));
const tanh = (of: Pattern): Pattern => product(0.5, x, sum(1, op("Tanh", [of])));
const gelu = (pattern: Pattern): Fusion => ({ op: "Gelu", pattern, attrs: () => ({ approximate: "tanh" }) });

const difference = any("difference", sum(0, x, product(-1, mean(x))));
const variance = sum("epsilon", mean(product(1, [difference, 2])));
const square = sum("epsilon", mean(product(1, [x, 2])));
const inverse = any("inverse", product(1, constant("scale"), [variance, -0.5]));
const normalization = (op: string, pattern: Pattern): Fusion => ({
  op,
  pattern,
  // Over several axes it is that of images, whose parts are fit for any layout.
  attrs: (scalars) => (scalars("axis") === -1 ? { axis: -1, epsilon: scalars("epsilon") } : undefined),
});

/** The first that fits is taken, so those that need more stand first. Normalizations leave a scale of ones, into which the factor behind goes. */
const FUSIONS: readonly Fusion[] = [
  normalization("LayerNormalization", product(1, difference, [variance, -0.5])),
  normalization("LayerNormalization", product(1, difference, constant("scale"), [variance, -0.5])),
  // TensorFlow's: x · inverse + (bias − mean · inverse).
  normalization("LayerNormalization", sum(0, product(1, x, inverse), product(-1, mean(x), inverse), constant("bias"))),
  normalization("RMSNormalization", product(1, x, [square, -0.5])),
  normalization("RMSNormalization", product(1, x, constant("scale"), [square, -0.5])),
  { op: "Gelu", pattern: product(0.5, x, sum(1, op("Erf", [product(Math.SQRT1_2, x)]))) },
  gelu(tanh(product(T, cubic))),
  gelu(tanh(product(T, x, sum(1, product(C, [x, 2]))))),
  gelu(tanh(sum(0, product(T, x), product(T * C, [x, 3])))),
  { op: "Swish", pattern: product(1, x, op("Sigmoid", [x])) },
  { op: "Swish", pattern: product(1, x, op("Sigmoid", [product("alpha", x)])), attrs: (scalars) => ({ alpha: scalars("alpha") }) },
  {
    op: "Swish",
    pattern: product(1, x, [sum(1, op("Exp", [product("factor", x)])), -1]),
    attrs: (scalars) => ({ alpha: -scalars("factor") }),
  },
  { op: "Sigmoid", pattern: product(1, [sum(1, op("Exp", [product(-1, x)])), -1]) },
  { op: "Softplus", pattern: op("Log", [sum(1, op("Exp", [x]))]) },
  { op: "Mish", pattern: product(1, x, op("Tanh", [op("Softplus", [x])])) },
  { op: "HardSwish", pattern: product(1 / 6, x, op("Clip", [sum(3, x), 0, 6])) },
  { op: "HardSwish", pattern: product(1, x, op("HardSigmoid", [x], { alpha: 1 / 6, beta: 0.5 })) },
  {
    op: "HardSigmoid",
    pattern: product("alpha", op("Clip", [sum("offset", x), 0, "top"])),
    attrs: (scalars) => hardSigmoid(scalars("alpha"), scalars("offset") * scalars("alpha"), scalars("top") * scalars("alpha")),
  },
  {
    op: "HardSigmoid",
    pattern: op("Clip", [sum("beta", product("alpha", x)), 0, 1]),
    attrs: (scalars) => hardSigmoid(scalars("alpha"), scalars("beta"), 1),
  },
];

/** One that does not begin at 0 and end at 1 is another function; without an offset it is a plain Clip. */
function hardSigmoid(alpha: number, beta: number, top: number): Node["attrs"] | undefined {
  return beta !== 0 && Math.abs(top - 1) < 1e-5 ? { alpha, beta } : undefined;
}

/** Operators in which a pattern can end. */
function endsOf(pattern: Pattern): readonly string[] {
  if (pattern.kind === "op") return [pattern.op];
  return pattern.kind === "sum" ? ["Add", "Sub"] : ["Mul", "Div", "Reciprocal"];
}

const BY_END: ReadonlyMap<string, readonly Fusion[]> = new Map(
  [...new Set(FUSIONS.flatMap(({ pattern }) => endsOf(pattern)))].map((end) => [
    end,
    FUSIONS.filter(({ pattern }) => endsOf(pattern).includes(end)),
  ]),
);

/** Functions that exporters write out become one operator: LayerNormalization, RMSNormalization, Gelu, Swish, Mish, HardSwish … */
export function fuseFunctions(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    if (draft.type(node.outputs[0])?.dtype !== "f32") return undefined;
    for (const fusion of BY_END.get(node.op) ?? []) {
      const found = match(fusion.pattern, node, draft);
      const made = found && nodeOf(fusion, found, node, draft);
      if (made) return [made];
    }
    return undefined;
  });
}

function nodeOf(fusion: Fusion, { values, scalars }: Match, node: Node, draft: Draft): Node | undefined {
  const attrs = fusion.attrs ? fusion.attrs((name) => scalars.get(name)!) : {};
  const input = values.get("x")!;
  if (!attrs) return undefined;
  const made = (inputs: readonly string[]): Node => makeNode({ op: fusion.op, name: node.name, inputs, outputs: node.outputs, attrs });
  if (!fusion.op.endsWith("Normalization")) return made([input]);
  const row = draft.type(input).shape.slice(-1);
  const [scale, bias] = ["scale", "bias"].map((name) => values.get(name));
  for (const given of [scale, bias]) if (given && String(draft.type(given).shape) !== String(row)) return undefined;
  const ones = () => draft.addConstant(`${node.name}.scale`, f32(new Float32Array(elementCount(row)).fill(1), row));
  return made([input, scale ?? ones(), bias ?? ""]);
}
