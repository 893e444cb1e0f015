/** Operators that keep every element where it is and change the shape at most. */
import { elementCount, i64, normalizeAxis, type Shape, type TensorType, typeOf, withShape } from "../tensor/index.ts";
import { inOrder } from "./bound.ts";
import { attr, type InferContext, wave } from "./define.ts";
import { constantInts, optionalInts, uniqueAxes } from "./inputs.ts";
import { defineMover, type MoveContext } from "./mover.ts";
import { attrsToInputs } from "./upgrade.ts";

const allInOrder = ({ outputs: [out] }: MoveContext) => {
  const n = elementCount(out.shape);
  return [{ input: 0, output: 0, dims: [n], src: 0, srcStrides: [1], dst: 0, dstStrides: [1] }];
};

const byShape = { moves: allInOrder, bound: inOrder, quantize: { kind: "same" } } as const;

function reshapeTarget(x: TensorType, wanted: readonly number[], allowZero: boolean): Shape {
  const shape = wanted.map((d, i) => {
    if (d !== 0 || allowZero) return d;
    if (i >= x.shape.length) throw new RangeError(`dimension ${i} is to be copied from an input of rank ${x.shape.length}`);
    return x.shape[i];
  });
  if (shape.some((d) => d < -1) || shape.filter((d) => d === -1).length > 1) throw new RangeError(`shape [${wanted}] is not valid`);
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const total = elementCount(x.shape);
  const result = shape.map((d) => (d === -1 ? total / known : d));
  if (!result.every(Number.isInteger) || elementCount(result) !== total)
    throw new RangeError(`[${x.shape}] cannot be reshaped to [${wanted}]`);
  return result;
}

/** Both shapes split into the shortest runs of axes with equal products; undefined where that cannot be. */
function runsOf(from: Shape, to: Shape): readonly (readonly [from: readonly number[], to: readonly number[]])[] | undefined {
  const runs: [number[], number[]][] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const [first, target] = [i, j];
    let a = from[i++] ?? 1;
    let b = to[j++] ?? 1;
    while (a !== b && (a < b ? i < from.length : j < to.length)) {
      if (a < b) a *= from[i++];
      else b *= to[j++];
    }
    if (a !== b || a === 0) return undefined;
    runs.push([from.slice(first, i).map((_, k) => first + k), to.slice(target, j).map((_, k) => target + k)]);
  }
  return runs;
}

/** Where `perm` keeps each run of input axes together and in order, gives the order of output axes that it amounts to. */
function permuteGroups(from: Shape, to: Shape, perm: readonly number[]): readonly number[] | undefined {
  const places = new Map<number, readonly number[]>();
  const long = perm.filter((axis) => from[axis] !== 1);
  let key = -1;
  const runs = runsOf(from, to);
  for (const [axes, targets] of runs ?? []) {
    const at = axes.filter((axis) => from[axis] !== 1).map((axis) => long.indexOf(axis));
    if (at.some((p, k) => k > 0 && p !== at[k - 1] + 1)) return undefined;
    // Axes of 1 have no place of their own: they follow what they followed.
    key = at[0] ?? key;
    places.set(key, [...(places.get(key) ?? []), ...targets]);
  }
  return runs && [...places].sort(([a], [b]) => a - b).flatMap(([, axes]) => axes);
}

/** The order nearest to `perm` in which axes that a Reshape takes together are neighbours. */
export function keepTogether(from: Shape, to: Shape, perm: readonly number[]): readonly number[] | undefined {
  const runs = runsOf(from, to);
  return runs && [...new Set(perm.flatMap((axis) => runs.find(([axes]) => axes.includes(axis))![0]))];
}

export const Reshape = defineMover({
  ...byShape,
  attrs: { allowzero: attr.int(0) },
  arity: [2, 2],
  infer: (ctx) => [
    withShape(ctx.inputs[0]!, reshapeTarget(ctx.inputs[0]!, constantInts(ctx, 1, "the shape"), ctx.node.attrs.allowzero === 1)),
  ],
  upgrade: (node, ctx) => [attrsToInputs(node, ctx, ["shape"])],
  permute: (node, perm, { inputs, constant }) => {
    const wanted = constant?.(1);
    if (!inputs[0] || !wanted) return undefined;
    const shape = reshapeTarget(inputs[0], Array.from(wanted.data), node.attrs.allowzero === 1);
    const order = permuteGroups(inputs[0].shape, shape, perm);
    if (!order) return undefined;
    const target = i64(order.map((axis) => shape[axis]));
    return { attrs: { ...node.attrs, allowzero: 1 }, inputs: "first", constants: new Map([[1, target]]), perm: order };
  },
  cases: [
    { name: "with 0 and -1", inputs: [wave([2, 3, 4]), i64([0, -1])], constants: [1] },
    { name: "to a higher rank", inputs: [wave([6]), i64([1, 2, 3])], constants: [1] },
  ],
});

export const Flatten = defineMover({
  ...byShape,
  attrs: { axis: attr.int(1) },
  arity: [1, 1],
  infer: ({ node, inputs: [x] }) => {
    const rank = x!.shape.length;
    const axis = node.attrs.axis as number;
    const at = axis === rank ? rank : normalizeAxis(axis, rank);
    return [withShape(x!, [elementCount(x!.shape.slice(0, at)), elementCount(x!.shape.slice(at))])];
  },
  cases: [
    { name: "axis 1", inputs: [wave([2, 3, 4])] },
    { name: "axis 0", inputs: [wave([2, 3])], attrs: { axis: 0 } },
  ],
});

export const Squeeze = defineMover({
  ...byShape,
  attrs: {},
  arity: [1, 2],
  infer: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const given = optionalInts(ctx, 1, "axes");
    const axes = new Set(given ? uniqueAxes(given, shape.length) : shape.flatMap((d, i) => (d === 1 ? [i] : [])));
    for (const axis of axes) if (shape[axis] !== 1) throw new RangeError(`axis ${axis} of [${shape}] is not 1`);
    return [
      withShape(
        ctx.inputs[0]!,
        shape.filter((_, i) => !axes.has(i)),
      ),
    ];
  },
  upgrade: (node, ctx) => [attrsToInputs(node, ctx, ["axes"])],
  cases: [
    { name: "all", inputs: [wave([1, 3, 1])] },
    { name: "axes", inputs: [wave([1, 3, 1]), i64([-1])], constants: [1] },
  ],
});

export const Unsqueeze = defineMover({
  ...byShape,
  attrs: {},
  arity: [2, 2],
  infer: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const given = constantInts(ctx, 1, "axes");
    const rank = shape.length + given.length;
    const axes = new Set(uniqueAxes(given, rank));
    let next = 0;
    return [
      withShape(
        ctx.inputs[0]!,
        Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : shape[next++])),
      ),
    ];
  },
  upgrade: (node, ctx) => [attrsToInputs(node, ctx, ["axes"])],
  cases: [{ name: "both ends", inputs: [wave([3, 2]), i64([0, -1])], constants: [1] }],
});

const sameType = ({ inputs: [x] }: InferContext) => [typeOf(x!)];

export const Identity = defineMover({
  ...byShape,
  attrs: {},
  arity: [1, 1],
  infer: sameType,
  permute: (node, perm) => ({ attrs: node.attrs, perm }),
  cases: [{ name: "f32", inputs: [wave([2, 3])] }],
});
