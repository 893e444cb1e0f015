import type { Node } from "../graph/graph.ts";
import { elementCount, f32, i64, quantizeValue, stridesOf, type TensorType, tensor, withShape } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { constantInts, optionalInts, uniqueAxes } from "./inputs.ts";
import { defineMover, type Move, type MoveContext } from "./mover.ts";
import { attrsToInputs } from "./upgrade.ts";

type PadContext = Pick<MoveContext, "node" | "inputs" | "constant">;

/** Elements added before and after each axis; negative ones cut. */
export function padsOf(ctx: PadContext): { before: number[]; after: number[] } {
  const rank = ctx.inputs[0]!.shape.length;
  const pads = constantInts(ctx, 1, "pads");
  const axes = uniqueAxes(optionalInts(ctx, 3, "axes") ?? Array.from({ length: rank }, (_, i) => i), rank);
  if (pads.length !== 2 * axes.length) throw new RangeError(`${pads.length} pads do not fit ${axes.length} axes`);
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[i + axes.length];
  });
  return { before, after };
}

/** The real number that fills, where it is known; undefined where it is computed, or places of the input fill. */
export function padValue(ctx: PadContext): number | undefined {
  if (ctx.node.attrs.mode !== "constant") return undefined;
  return ctx.inputs[2] ? ctx.constant(2)?.data[0] : 0;
}

/** Which place of an axis of n a place before or behind it repeats. */
const REPEATS: Readonly<Record<string, (place: number, n: number) => number>> = {
  constant: () => Number.NaN,
  edge: (place, n) => Math.min(Math.max(place, 0), n - 1),
  wrap: (place, n) => modulo(place, n),
  reflect: (place, n) => {
    const along = modulo(place, Math.max(1, 2 * (n - 1)));
    return Math.min(along, 2 * (n - 1) - along);
  },
};

const modulo = (a: number, n: number): number => ((a % n) + n) % n;

/** Places of the output, from `dst` on, that come from `src`, `src + step`, … of the input. */
interface Run {
  readonly dst: number;
  readonly src: number;
  readonly step: number;
  readonly length: number;
}

/** How an axis of n comes about: cut first, then padded. */
function runsOf(mode: string, n: number, before: number, after: number): Run[] {
  const cut = Math.max(0, -before);
  const kept = Math.max(0, n + Math.min(0, before) + Math.min(0, after));
  if (mode === "constant") return [{ dst: Math.max(0, before), src: cut, step: 1, length: kept }];
  if (kept === 0 && (before > 0 || after > 0)) throw new RangeError(`mode ${mode} has nothing to repeat along a dimension of 0`);
  const total = Math.max(0, n + before + after);
  const sources = Array.from({ length: total }, (_, i) => cut + REPEATS[mode](i - Math.max(0, before), kept));
  const runs: Run[] = [];
  for (let dst = 0, end = 0; dst < total; dst = end) {
    const step = Math.sign((sources[dst + 1] ?? sources[dst]) - sources[dst]);
    for (end = dst + 1; sources[end] === sources[end - 1] + step; ) end++;
    runs.push({ dst, src: sources[dst], step, length: end - dst });
  }
  return runs;
}

/** Boxes of the output are copied one by one; more of them than this is no padding but a texture. */
const MOST_BOXES = 1024;

/** Every combination of one run of each axis. */
function boxesOf(runs: readonly (readonly Run[])[]): readonly (readonly Run[])[] {
  const count = runs.reduce((product, list) => product * list.length, 1);
  if (count > MOST_BOXES) throw new RangeError(`the pads repeat the input in ${count} pieces, more than ${MOST_BOXES}`);
  return runs.reduce<readonly (readonly Run[])[]>((boxes, list) => boxes.flatMap((box) => list.map((run) => [...box, run])), [[]]);
}

function padded(ctx: PadContext): TensorType {
  const mode = ctx.node.attrs.mode as string;
  if (!Object.hasOwn(REPEATS, mode)) throw new RangeError(`mode "${mode}" is not supported`);
  const value = mode === "constant" ? ctx.inputs[2] : undefined;
  if (value && elementCount(value.shape) !== 1) throw new RangeError(`the fill value [${value.shape}] is not one number`);
  const { before, after } = padsOf(ctx);
  const shape = ctx.inputs[0]!.shape.map((d, i) => d + before[i] + after[i]);
  if (shape.some((d) => d < 0)) throw new RangeError(`pads cut more than [${ctx.inputs[0]!.shape}] has`);
  return withShape(ctx.inputs[0]!, shape);
}

export const Pad = defineMover({
  attrs: { mode: attr.string("constant") },
  arity: [2, 4],
  infer: (ctx) => [padded(ctx)],
  fill: (ctx) => {
    const quant = ctx.inputs[0]!.quant;
    const value = padValue(ctx);
    return quant && value !== undefined ? quantizeValue(value, quant.scale[0], quant.zero) : value;
  },
  moves: (ctx) => {
    const { shape, quant } = ctx.inputs[0]!;
    const [out] = ctx.outputs;
    const mode = ctx.node.attrs.mode as string;
    const { before, after } = padsOf(ctx);
    const [srcStrides, dstStrides] = [stridesOf(shape), stridesOf(out.shape)];
    const boxes = boxesOf(shape.map((n, i) => runsOf(mode, n, before[i], after[i])));
    const moves: Move[] = boxes.map((box) => ({
      input: 0,
      output: 0,
      dims: box.map((run) => run.length),
      src: box.reduce((at, run, i) => at + run.src * srcStrides[i], 0),
      srcStrides: box.map((run, i) => run.step * srcStrides[i]),
      dst: box.reduce((at, run, i) => at + run.dst * dstStrides[i], 0),
      dstStrides,
    }));
    if (mode !== "constant" || padValue(ctx) !== undefined) return moves;
    if (quant) throw new RangeError("a fill value that is computed while the model runs is not supported in int8");
    return [{ input: 2, output: 0, dims: out.shape, src: 0, srcStrides: out.shape.map(() => 0), dst: 0, dstStrides }, ...moves];
  },
  upgrade: (node, ctx) => {
    const { paddings, ...attrs } = node.attrs;
    const raised = paddings === undefined ? node : { ...node, attrs: { ...attrs, pads: paddings } };
    return [attrsToInputs(raised, ctx, ["pads", "value"])];
  },
  permute: (node: Node, perm, { inputs, constant }) => {
    if (!constant) return undefined;
    const { before, after } = padsOf({ node, inputs, constant });
    const axes = inputs[3] ? new Map([[3, i64(perm.map((_, i) => i))]]) : new Map();
    const pads = i64([...perm.map((p) => before[p]), ...perm.map((p) => after[p])]);
    return { attrs: node.attrs, inputs: "first", constants: new Map([...axes, [1, pads]]), perm };
  },
  quantize: { kind: "same" },
  cases: [
    { name: "zeros around", inputs: [wave([2, 3]), i64([1, 0, 0, 2])], constants: [1] },
    { name: "a value, and a cut", inputs: [wave([3, 3]), i64([0, -1, 2, 0]), tensor("f32", [7], [])], constants: [1, 2] },
    { name: "a computed value", inputs: [wave([2, 2]), i64([1, 0, 0, 1]), tensor("f32", [5], [])], constants: [1] },
    ...["reflect", "edge", "wrap"].map((mode) => ({
      name: `${mode}, one side cut`,
      inputs: [wave([3, 4]), i64([2, 3, 1, -1])],
      attrs: { mode },
      constants: [1],
    })),
    { name: "reflect, further than the input reaches", inputs: [wave([3]), i64([7, 6])], attrs: { mode: "reflect" }, constants: [1] },
    {
      name: "edge of an image",
      inputs: [wave([1, 2, 3, 3]), i64([1, 2, 1, 2]), undefined, i64([2, -1])],
      attrs: { mode: "edge" },
      constants: [1, 3],
    },
    { name: "given axes", inputs: [wave([2, 3]), i64([1, 1]), f32([0.5]), i64([-1])], constants: [1, 2, 3] },
  ],
});
