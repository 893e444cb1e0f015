/** Operators that make constants: windows, and the filters of the mel scale. They fold away before a plan is made. */
import { type Tensor, tensor } from "../tensor/index.ts";
import { attr, defineOp, type InferContext, type OpDef } from "./define.ts";
import { ELEMENT_TYPES, elementTypeName } from "./element-type.ts";

function outputType(ctx: Pick<InferContext, "node">) {
  const code = ctx.node.attrs.output_datatype as number;
  const element = ELEMENT_TYPES.get(code);
  if (!element) throw new RangeError(`element type ${elementTypeName(code)} is not supported`);
  return element.dtype;
}

/** The single number that input `index` holds. */
function numberOf(ctx: Pick<InferContext, "constant">, index: number, what: string): number {
  const value = ctx.constant(index);
  if (value?.data.length !== 1) throw new RangeError(`${what} must be one number, known when the model is packed`);
  return value.data[0];
}

/** Σ coefficientᵢ · cos(2πi·x), with x from 0 to 1 along the window. */
function window(name: string, coefficients: readonly number[]): OpDef {
  const sizeOf = (ctx: Pick<InferContext, "constant">): number => {
    const size = numberOf(ctx, 0, "the size");
    if (!Number.isInteger(size) || size < 0) throw new RangeError(`a window of ${size} elements cannot be made`);
    return size;
  };
  return defineOp({
    attrs: { output_datatype: attr.int(1), periodic: attr.int(1) },
    arity: [1, 1],
    tolerance: 1e-6,
    infer: (ctx) => [{ dtype: outputType(ctx), shape: [sizeOf(ctx)] }],
    eval: ({ node, inputs }) => {
      const size = sizeOf({ constant: (i) => inputs[i] });
      const turns = node.attrs.periodic === 1 ? size : size - 1;
      const value = (n: number) => coefficients.reduce((sum, a, i) => sum + a * Math.cos((2 * Math.PI * i * n) / Math.max(turns, 1)), 0);
      return [
        tensor(
          outputType({ node }),
          Array.from({ length: size }, (_, n) => value(n)),
        ),
      ];
    },
    cases: [
      { name: `${name} periodic`, inputs: [tensor("i64", [8], [])], constants: [0] },
      { name: `${name} symmetric`, inputs: [tensor("i64", [9], [])], attrs: { periodic: 0 }, constants: [0] },
    ],
  });
}

export const HannWindow = window("HannWindow", [0.5, -0.5]);
export const HammingWindow = window("HammingWindow", [25 / 46, -21 / 46]);
export const BlackmanWindow = window("BlackmanWindow", [0.42, -0.5, 0.08]);

const toMel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const toHertz = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

interface Mel {
  readonly bins: number;
  readonly length: number;
  readonly rate: number;
  readonly lowest: number;
  readonly highest: number;
}

function melOf(ctx: Pick<InferContext, "constant">): Mel {
  const names = ["the number of bins", "the transform's length", "the sample rate", "the lowest frequency", "the highest frequency"];
  const [bins, length, rate, lowest, highest] = names.map((name, i) => numberOf(ctx, i, name));
  if (!(bins >= 1 && length >= 1 && rate >= 1 && lowest >= 0 && highest >= lowest))
    throw new RangeError(`${bins} bins from ${lowest} to ${highest} Hz at ${rate} Hz cannot be made`);
  return { bins, length, rate, lowest, highest };
}

/** Triangles over a spectrum, evenly spread on the mel scale: [length / 2 + 1, bins]. */
export const MelWeightMatrix = defineOp({
  attrs: { output_datatype: attr.int(1) },
  arity: [5, 5],
  tolerance: 1e-6,
  infer: (ctx) => {
    const { bins, length } = melOf(ctx);
    return [{ dtype: outputType(ctx), shape: [Math.floor(length / 2) + 1, bins] }];
  },
  eval: ({ node, inputs }) => {
    const { bins, length, rate, lowest, highest } = melOf({ constant: (i) => inputs[i] });
    const rows = Math.floor(length / 2) + 1;
    const step = (toMel(highest) - toMel(lowest)) / (bins + 2);
    const edges = Array.from({ length: bins + 2 }, (_, i) => Math.floor(((length + 1) * toHertz(i * step + toMel(lowest))) / rate));
    const out: Tensor = tensor(outputType({ node }), new Float32Array(rows * bins), [rows, bins]);
    for (let i = 0; i < bins; i++) {
      const [low, centre, high] = edges.slice(i, i + 3);
      const put = (row: number, value: number) => {
        if (row < rows) out.data[row * bins + i] = value;
      };
      if (centre === low) put(centre, 1);
      else for (let row = low; row <= centre; row++) put(row, (row - low) / (centre - low));
      if (high > centre) for (let row = centre; row < high; row++) put(row, (high - row) / (high - centre));
    }
    return [out];
  },
  cases: [
    { name: "8 bins", inputs: [8, 16, 8192, 0, 4096].map((v, i) => tensor(i < 3 ? "i64" : "f32", [v], [])), constants: [0, 1, 2, 3, 4] },
  ],
});
