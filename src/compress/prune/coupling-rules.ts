/** How operators carry labels of channels from their inputs to their outputs. */
import { permutationOf } from "../../ops/transpose.ts";
import { elementCount, normalizeAxis } from "../../tensor/index.ts";
import type { Rule, Site } from "./coupling.ts";
import type { Axes, Labels } from "./labels.ts";
import { reshapeAxes } from "./reshape-axes.ts";

const pinAll = ({ classes }: Site, axes: Axes): void => {
  for (const labels of axes) classes.pin(labels);
};

/** Each output element comes from the elements at its own place of inputs that broadcast to it. */
const elementwise: Rule = (site) => {
  const [{ shape }] = site.outputs;
  const constants = site.inputs.flatMap((type, i) => (type && site.constant(i) ? [i] : []));
  /** The axis of an input that goes along an axis of the output; undefined where it is stretched. */
  const along = (index: number, axis: number): number | undefined => {
    const own = axis - shape.length + site.inputs[index]!.shape.length;
    return own >= 0 && site.inputs[index]!.shape[own] === shape[axis] ? own : undefined;
  };
  const out = shape.map((_, axis): Labels | undefined => {
    const found: Labels[] = [];
    let whole = false;
    for (const [index, type] of site.inputs.entries()) {
      if (!type || constants.includes(index)) continue;
      const own = along(index, axis);
      const labels = site.axes(index)[own ?? axis - shape.length + type.shape.length];
      if (own === undefined) site.classes.pin(labels);
      else if (labels) found.push(labels);
      else whole = true;
    }
    for (const labels of found) {
      if (whole) site.classes.pin(labels);
      else site.classes.joinAll(found[0], labels);
    }
    return whole ? undefined : found[0];
  });
  for (const index of constants) {
    const rank = site.inputs[index]!.shape.length;
    const axes = Array.from({ length: rank }, (_, own) => {
      const axis = own + shape.length - rank;
      return along(index, axis) === undefined ? undefined : out[axis];
    });
    site.attach(index, axes);
  }
  return [out];
};

/** A divisor that is computed must not become 0 where its channel is masked. */
const division: Rule = (site) => {
  if (!site.constant(1) && site.axes(1).some((labels) => labels)) return undefined;
  return elementwise(site);
};

/** Input 0 with the axes for which `whole` holds left as they are, and the others of the same length in the output. */
const withWhole =
  (whole: (site: Site, axis: number) => boolean): Rule =>
  (site) => {
    const [{ shape }] = site.outputs;
    const out = site.inputs[0]!.shape.map((d, axis): Labels | undefined => {
      const labels = site.axes(0)[axis];
      if (!labels || (d === shape[axis] && !whole(site, axis))) return labels;
      site.classes.pin(labels);
      return undefined;
    });
    return [out];
  };

/** The axis of channels, by the layout. */
const channelAxis = ({ node, inputs: [x] }: Site): number => (node.attrs.layout === "NHWC" ? x!.shape.length - 1 : 1);

const pool: Rule = (site) => (site.outputs.length > 1 ? undefined : withWhole((s, axis) => axis !== channelAxis(s))(site));

/** Axes from `axis` on are normalized over; `last` where it is only that one. */
const normalized = (last: boolean): Rule => {
  const rule = withWhole(({ node, inputs: [x] }, axis) => {
    const first = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    return last && !node.attrs.coerce ? axis === first : axis >= first;
  });
  return (site) => (site.outputs.length > 1 ? undefined : rule(site));
};

/** Statistics of each channel by itself: all inputs after the first have an element for each. */
const perChannel: Rule = (site) => {
  if (site.outputs.length > 1) return undefined;
  const out = withWhole((_, axis) => axis !== 1)(site)!;
  const channels = out[0][1];
  for (let i = 1; i < site.inputs.length; i++) {
    if (site.constant(i)) site.attach(i, [channels]);
    else return undefined;
  }
  return out;
};

const reduction: Rule = (site) => {
  const { node, inputs } = site;
  const [x] = inputs;
  const given = (node.attrs.axes as readonly number[] | undefined) ?? site.constant(1)?.data;
  if (inputs[1] && !site.constant(1)) return undefined;
  const all = !given || given.length === 0;
  if (all && node.attrs.noop_with_empty_axes) return [site.axes(0)];
  const rank = x!.shape.length;
  const axes = new Set(all ? x!.shape.keys() : Array.from(given, (axis) => normalizeAxis(axis, rank)));
  const kept = x!.shape.map((_, axis) => site.axes(0)[axis]);
  for (const axis of axes) {
    site.classes.pin(kept[axis]);
    kept[axis] = undefined;
  }
  return [node.attrs.keepdims ? kept : kept.filter((_, axis) => !axes.has(axis))];
};

/** A layer reads channels by one axis of its weights and writes them by another. Of a layer in groups, groups go whole. */
const convolution =
  (transposed: boolean): Rule =>
  (site) => {
    const { node, classes } = site;
    const weights = site.constant(1);
    if (!weights || (site.inputs[2] && !site.constant(2))) return undefined;
    const groups = node.attrs.group as number;
    if (transposed && groups > 1) return undefined;
    const at = channelAxis(site);
    const rank = site.inputs[0]!.shape.length;
    const channels = site.axes(0)[at];
    site.axes(0).forEach((labels, axis) => {
      if (axis !== at) classes.pin(labels);
    });
    const outputs = site.outputs[0].shape[at];
    const made = classes.fresh(outputs);
    if (groups > 1) {
      const perGroup = channels && channels.length / groups;
      for (const [o, label] of made.entries()) {
        const group = Math.floor((o * groups) / outputs);
        if (!channels || !perGroup) classes.pin(made.subarray(o, o + 1));
        else for (let c = group * perGroup; c < (group + 1) * perGroup; c++) classes.join(label, channels[c]);
      }
    }
    const rest = new Array<undefined>(rank - 2).fill(undefined);
    if (transposed) site.attach(1, [channels, made, ...rest], { source: 1, reader: 0 });
    else site.attach(1, [made, groups > 1 ? undefined : channels, ...rest], groups > 1 ? { source: 0 } : { source: 0, reader: 1 });
    attachBias(site, made);
    return [Array.from({ length: rank }, (_, axis) => (axis === at ? made : undefined))];
  };

function attachBias(site: Site, made: Labels): void {
  if (!site.inputs[2]) return;
  const { shape } = site.inputs[2];
  const axis = shape.indexOf(made.length);
  site.attach(
    2,
    shape.map((_, i) => (i === axis ? made : undefined)),
  );
}

const product: Rule = (site) => {
  const { inputs, classes } = site;
  const [a, b] = [inputs[0]!.shape, inputs[1]!.shape];
  if (a.length < 2 || b.length < 2 || site.constant(0) || (inputs[2] && !site.constant(2))) return undefined;
  const left = a.map((_, axis) => site.axes(0)[axis]);
  const channels = left[a.length - 1];
  if (site.constant(1)) {
    if (elementCount(b.slice(0, -2)) !== 1) return undefined;
    const made = classes.fresh(b[b.length - 1]);
    const lead = new Array<undefined>(b.length - 2).fill(undefined);
    site.attach(1, [...lead, channels, made], { source: b.length - 1, reader: b.length - 2 });
    attachBias(site, made);
    const rank = site.outputs[0].shape.length;
    return [[...new Array<undefined>(rank - a.length).fill(undefined), ...left.slice(0, -1), made]];
  }
  // Both are computed: heads are matrices of a stack and go with each other; what is summed over stays.
  const right = b.map((_, axis) => site.axes(1)[axis]);
  if (a.length !== b.length || inputs[2]) return undefined;
  pinAll(site, [channels, right[b.length - 2]]);
  const stack = a.slice(0, -2).map((d, axis): Labels | undefined => {
    const [x, y] = [left[axis], right[axis]];
    if (d === b[axis] && x && y) {
      classes.joinAll(x, y);
      return x;
    }
    pinAll(site, [x, y]);
    return undefined;
  });
  return [[...stack, left[a.length - 2], right[b.length - 1]]];
};

/** Heads of queries, keys and values go together; sizes of keys stay, and those of values are those of the output. */
const attention: Rule = (site) => {
  const [q, keys, values] = [0, 1, 2].map((i) => site.axes(i));
  const heads = [q[2], keys[2], values[2]];
  const masked = site.inputs[3]?.shape.at(-3) ?? 1;
  pinAll(site, [q[0], q[1], q[3], keys[0], keys[1], keys[3], values[0], values[1]]);
  const [x, y, z] = heads;
  if (!x || !y || !z || x.length !== y.length || masked !== 1) {
    pinAll(site, heads);
    return [[undefined, undefined, undefined, values[3]]];
  }
  site.classes.joinAll(x, y);
  site.classes.joinAll(x, z);
  return [[undefined, undefined, x, values[3]]];
};

const transpose: Rule = (site) => {
  const axes = site.axes(0);
  return [permutationOf(site.node, site.inputs[0]!).map((axis) => axes[axis])];
};

const concat: Rule = (site) => {
  const { classes, outputs } = site;
  const at = normalizeAxis(site.node.attrs.axis as number, outputs[0].shape.length);
  const parts = site.inputs.map((type, i) => type!.shape.map((_, axis) => site.axes(i)[axis]));
  if (site.inputs.some((_, i) => site.constant(i))) return undefined;
  const out = outputs[0].shape.map((_, axis): Labels | undefined => {
    const labels = parts.map((part) => part[axis]);
    if (!labels.some((l) => l)) return undefined;
    if (axis === at) return joined(site, labels, axis);
    const [first] = labels;
    if (!first || labels.includes(undefined)) {
      pinAll(site, labels);
      return undefined;
    }
    for (const other of labels) classes.joinAll(first, other!);
    return first;
  });
  return [out];
};

/** Parts after each other; those without labels get ones that stay. */
function joined({ classes, inputs }: Site, parts: Axes, axis: number): Labels {
  const all = parts.map((labels, i) => {
    if (labels) return labels;
    const own = classes.fresh(inputs[i]!.shape[axis]);
    classes.pin(own);
    return own;
  });
  return Int32Array.from(all.flatMap((labels) => Array.from(labels)));
}

const split: Rule = (site) => {
  if (site.inputs[1] && !site.constant(1)) return undefined;
  const at = normalizeAxis(site.node.attrs.axis as number, site.inputs[0]!.shape.length);
  let first = 0;
  return site.outputs.map(({ shape }) => {
    const from = first;
    first += shape[at];
    return shape.map((d, axis) => (axis === at ? site.axes(0)[axis]?.slice(from, from + d) : site.axes(0)[axis]));
  });
};

/** Where a Slice begins along each axis, if it takes neighbours there. */
export function sliceStart(
  shape: readonly number[],
  constant: (index: number) => ArrayLike<number> | undefined,
  axis: number,
): number | undefined {
  const [starts, axes, steps] = [constant(1), constant(3), constant(4)];
  const place = axes ? Array.from(axes, (a) => normalizeAxis(a, shape.length)).indexOf(axis) : axis < (starts?.length ?? 0) ? axis : -1;
  if (place < 0) return 0;
  if (!starts || (steps?.[place] ?? 1) !== 1) return undefined;
  const start = starts[place];
  return Math.min(Math.max(start < 0 ? start + shape[axis] : start, 0), shape[axis]);
}

const slice: Rule = (site) => {
  const { shape } = site.inputs[0]!;
  if (site.inputs.some((type, i) => i > 0 && type && !site.constant(i))) return undefined;
  const out = shape.map((_, axis): Labels | undefined => {
    const labels = site.axes(0)[axis];
    const length = site.outputs[0].shape[axis];
    if (!labels) return undefined;
    const start = sliceStart(shape, (i) => site.constant(i)?.data, axis);
    if (start !== undefined && length > 0) return labels.slice(start, start + length);
    site.classes.pin(labels);
    return undefined;
  });
  return [out];
};

const pad: Rule = (site) => {
  const rank = site.inputs[0]!.shape.length;
  const [pads, axes] = [1, 3].map((i) => site.constant(i)?.data);
  if (!pads || (site.inputs[3] && !axes)) return undefined;
  const named = axes ? Array.from(axes, (axis) => normalizeAxis(axis, rank)) : Array.from({ length: rank }, (_, i) => i);
  return withWhole((_, axis) => {
    const at = named.indexOf(axis);
    return at >= 0 && (pads[at] !== 0 || pads[at + named.length] !== 0);
  })(site);
};

/** Along an axis that keeps its length, elements stay where they are, but for crops. */
const resize: Rule = (site) =>
  site.node.attrs.coordinate_transformation_mode === "tf_crop_and_resize" ? undefined : withWhole(() => false)(site);

const reshape: Rule = (site) => [reshapeAxes(site.classes, site.inputs[0]!.shape, site.outputs[0].shape, site.axes(0))];

const rulesOf = (rule: Rule, names: string): [string, Rule][] => names.split(" ").map((name) => [name, rule]);

/**
 * By operator. Left out, and so keeping what they read whole: operators whose result at a masked channel may not be finite (Log, Reciprocal, Pow, LpNormalization),
 * and those that mix channels.
 */
export const RULES: Readonly<Record<string, Rule>> = Object.fromEntries([
  ...rulesOf(
    elementwise,
    "Identity Cast Relu Clip LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid Tanh Softplus Softsign Mish Swish HardSwish Gelu",
  ),
  ...rulesOf(elementwise, "ThresholdedRelu Shrink Erf Abs Neg Sign Round Floor Ceil Exp Sqrt Sin Cos Atan Add Sub Mul Min Max Sum Mean"),
  ...rulesOf(division, "Div"),
  ...rulesOf(pool, "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool"),
  ...rulesOf(reduction, "ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare"),
  ...rulesOf(normalized(true), "Softmax LogSoftmax"),
  ...rulesOf(normalized(false), "LayerNormalization RMSNormalization"),
  ...rulesOf(perChannel, "InstanceNormalization BatchNormalization"),
  ...rulesOf(convolution(false), "Conv"),
  ...rulesOf(convolution(true), "ConvTranspose"),
  ...rulesOf(product, "MatMul"),
  ...rulesOf(attention, "ScaledDotProductAttention"),
  ...rulesOf(transpose, "Transpose"),
  ...rulesOf(concat, "Concat"),
  ...rulesOf(split, "Split"),
  ...rulesOf(slice, "Slice"),
  ...rulesOf(reshape, "Reshape Flatten Squeeze Unsqueeze"),
  ...rulesOf(pad, "Pad"),
  ...rulesOf(resize, "Resize"),
]);
