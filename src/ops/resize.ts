import { Op } from "../../assembly/shared/plan.ts";
import { ResampleField } from "../../assembly/shared/sampling.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, f32, i64, normalizeAxis, type Tensor, type TensorType, tensor, withShape, zeros } from "../tensor/index.ts";
import { attr, type Decomposition, defineOp, type OpCase, wave } from "./define.ts";
import { uniqueAxes } from "./inputs.ts";
import { f32Bits, type Lowering, type Place } from "./lowering.ts";
import { type AxisResize, type AxisTable, axisTable, type Interpolation, isIdentity, NEAREST, TRANSFORMATIONS } from "./resize-tables.ts";

interface ResizeContext {
  readonly node: Node;
  readonly inputs: readonly (TensorType | undefined)[];
  constant(index: number): Tensor | undefined;
}

/** The numbers of an optional input that shapes depend on; an empty one counts as absent. */
function numbers(ctx: ResizeContext, index: number, what: string): readonly number[] | undefined {
  const type = ctx.inputs[index];
  if (!type || elementCount(type.shape) === 0) return undefined;
  const value = ctx.constant(index);
  if (!value) throw new RangeError(`${what} must be known when the model is packed`);
  return Array.from(value.data);
}

/** What happens to each axis of the input. */
function axesOf(ctx: ResizeContext): AxisResize[] {
  const { shape } = ctx.inputs[0]!;
  const axes = uniqueAxes((ctx.node.attrs.axes as readonly number[] | undefined) ?? shape.map((_, i) => i), shape.length);
  const scales = numbers(ctx, 2, "scales");
  const sizes = numbers(ctx, 3, "sizes");
  const crop = ctx.node.attrs.coordinate_transformation_mode === "tf_crop_and_resize";
  const roi = crop ? numbers(ctx, 1, "roi") : undefined;
  if ((scales === undefined) === (sizes === undefined)) throw new RangeError("either scales or sizes must be given");
  const given = scales ?? sizes!;
  if (given.length !== axes.length) throw new RangeError(`${given.length} ${scales ? "scales" : "sizes"} do not fit ${axes.length} axes`);
  if (given.some((v) => !(v > 0))) throw new RangeError(`${scales ? "scales" : "sizes"} [${given}] must be positive`);
  if (crop && roi?.length !== 2 * axes.length) throw new RangeError("tf_crop_and_resize needs a roi of two numbers an axis");
  const policy = ctx.node.attrs.keep_aspect_ratio_policy as string;
  const ratios = given.map((size, i) => size / shape[axes[i]]);
  const common = policy === "not_larger" ? Math.min(...ratios) : policy === "not_smaller" ? Math.max(...ratios) : undefined;
  if (common === undefined && policy !== "stretch") throw new RangeError(`keep_aspect_ratio_policy ${policy} is unknown`);

  const all = shape.map((n): AxisResize => ({ n, count: n, scale: 1, start: 0, end: 1 }));
  axes.forEach((axis, i) => {
    const n = shape[axis];
    const scale = scales ? scales[i] : (common ?? ratios[i]);
    const count = scales
      ? Math.floor(Math.fround(n * scale))
      : common === undefined
        ? sizes![i]
        : Math.floor(Math.fround(common * n) + 0.5);
    all[axis] = { n, count, scale, start: roi ? roi[i] : 0, end: roi ? roi[i + axes.length] : 1 };
  });
  return all;
}

function interpolationOf({ attrs }: Node): Interpolation {
  const how = {
    mode: attrs.mode as string,
    transformation: attrs.coordinate_transformation_mode as string,
    nearest: attrs.nearest_mode as string,
    cubic: attrs.cubic_coeff_a as number,
    excludeOutside: attrs.exclude_outside === 1,
    antialias: attrs.antialias === 1,
  };
  if (!["nearest", "linear", "cubic"].includes(how.mode)) throw new RangeError(`mode ${how.mode} is unknown`);
  if (!Object.hasOwn(TRANSFORMATIONS, how.transformation))
    throw new RangeError(`coordinate_transformation_mode ${how.transformation} is unknown`);
  if (!Object.hasOwn(NEAREST, how.nearest)) throw new RangeError(`nearest_mode ${how.nearest} is unknown`);
  return how;
}

interface Step {
  readonly axis: number;
  readonly table: AxisTable;
}

/** The axes that change, those that shrink most first, so that the others have less to do. */
function stepsOf(ctx: ResizeContext): Step[] {
  const how = interpolationOf(ctx.node);
  const axes = axesOf(ctx);
  const ratio = ({ n, count }: AxisResize) => count / n;
  return axes
    .map((axis, i) => ({ axis: i, table: axisTable(axis, how) }))
    .filter(({ axis, table }) => !isIdentity(table, axes[axis].n))
    .sort((a, b) => ratio(axes[a.axis]) - ratio(axes[b.axis]));
}

/** One axis of a tensor by its table. */
function resampled(x: Tensor, { axis, table }: Step, outside: number): Tensor {
  const { taps, index, weight } = table;
  const count = index.length / taps;
  const inner = elementCount(x.shape.slice(axis + 1));
  const n = x.shape[axis];
  const out = zeros({ ...x, shape: x.shape.with(axis, count) });
  for (let at = 0; at < out.data.length; at++) {
    const row = Math.floor(at / inner);
    const from = Math.floor(row / count) * n * inner + (at % inner);
    const j = (row % count) * taps;
    let sum = 0;
    for (let t = 0; t < taps; t++) sum += weight[j + t] * (index[j + t] < 0 ? outside : x.data[from + index[j + t] * inner]);
    out.data[at] = sum;
  }
  return out;
}

/** Interpolation along each axis in turn, from tables that are made when the model is packed. */
export const Resize = defineOp({
  attrs: {
    antialias: attr.int(0),
    axes: attr.ints(),
    coordinate_transformation_mode: attr.string("half_pixel"),
    cubic_coeff_a: attr.float(-0.75),
    exclude_outside: attr.int(0),
    extrapolation_value: attr.float(0),
    keep_aspect_ratio_policy: attr.string("stretch"),
    mode: attr.string("nearest"),
    nearest_mode: attr.string("round_prefer_floor"),
  },
  arity: [1, 4],
  tolerance: 1e-5,
  infer: (ctx) => {
    const { dtype } = ctx.inputs[0]!;
    const { mode, transformation } = interpolationOf(ctx.node);
    if (dtype !== "f32" && (mode !== "nearest" || transformation === "tf_crop_and_resize"))
      throw new RangeError(`${dtype} is resized by mode nearest only; cast it to float before`);
    return [
      withShape(
        ctx.inputs[0]!,
        axesOf(ctx).map((axis) => axis.count),
      ),
    ];
  },
  eval: ({ node, inputs }) => {
    const steps = stepsOf({ node, inputs, constant: (i) => inputs[i] });
    return [steps.reduce((x, step) => resampled(x, step, node.attrs.extrapolation_value as number), inputs[0]!)];
  },
  permute: (node, perm, { inputs, constant }) => {
    const axes = node.attrs.axes as readonly number[] | undefined;
    if (axes) {
      const moved = axes.map((axis) => perm.indexOf(normalizeAxis(axis, perm.length)));
      return { attrs: { ...node.attrs, axes: moved }, inputs: "first", perm };
    }
    const constants = new Map<number, Tensor>();
    for (const [index, type] of inputs.entries()) {
      const value = index > 0 && type ? constant?.(index) : undefined;
      if (!value || value.data.length === 0) continue;
      const order = value.data.length === 2 * perm.length ? [...perm, ...perm.map((axis) => axis + perm.length)] : perm;
      const data = order.map((axis) => value.data[axis]);
      constants.set(index, tensor(value.dtype, data));
    }
    return { inputs: "first", constants, perm };
  },
  upgrade: (node, { opset }) => {
    if (opset >= 11) return [node];
    const [x, scales] = node.inputs;
    const attrs = { ...node.attrs, coordinate_transformation_mode: "asymmetric", nearest_mode: "simple" };
    return [{ ...node, inputs: [x, "", scales], attrs }];
  },
  decompose: gatherNearest,
  lower: lowerResize,
  cases: casesOf(),
});

/** Resize before opset 10. */
export const Upsample = defineOp({
  ...Resize,
  upgrade: (node, ctx) => {
    const { scales, ...attrs } = node.attrs;
    const given = Array.isArray(scales) ? ctx.constant(f32(scales)) : node.inputs[1];
    const how = { ...attrs, coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    return [{ ...node, op: "Resize", inputs: [node.inputs[0], "", given], attrs: how }];
  },
  cases: [
    {
      name: "nearest",
      inputs: [wave([1, 2, 2, 3]), undefined, f32([1, 1, 2, 3])],
      attrs: { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      constants: [2],
    },
  ],
});

/** The steps of a node whose inputs have types and constants. */
function nodeSteps({ node, type, constant }: Pick<Lowering, "node" | "type" | "constant">): Step[] {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : type(name)));
  return stepsOf({ node, inputs, constant: (i) => (node.inputs[i] ? constant(node.inputs[i]) : undefined) });
}

/** Where each output is a copy of one element it is gathered, of any type and on any grid. */
function gatherNearest(parts: Decomposition): void {
  const { node } = parts;
  const steps = nodeSteps(parts);
  if (steps.some(({ table }) => table.taps > 1 || table.index.includes(-1))) return;
  const value = steps.reduce((x, { axis, table }) => parts.add("Gather", [x, parts.value(i64(table.index))], { axis }), node.inputs[0]);
  parts.add("Identity", [value], {}, node.outputs);
}

function lowerResize(ctx: Lowering): void {
  const { node } = ctx;
  const [x] = node.inputs;
  const steps = nodeSteps(ctx);
  let { shape } = ctx.type(x);
  let from = ctx.place(x);
  steps.forEach((step, i) => {
    const resized = shape.with(step.axis, step.table.index.length / step.table.taps);
    const to = i === steps.length - 1 ? ctx.place(node.outputs[0]) : ctx.scratch(4 * elementCount(resized));
    emitStep(ctx, step, shape, from, to);
    [shape, from] = [resized, to];
  });
}

function emitStep(ctx: Lowering, { axis, table }: Step, shape: readonly number[], a: Place, c: Place): void {
  const { taps, index, weight } = table;
  ctx.emit(Op.resample, {
    [ResampleField.outer]: elementCount(shape.slice(0, axis)),
    [ResampleField.n]: shape[axis],
    [ResampleField.inner]: elementCount(shape.slice(axis + 1)),
    [ResampleField.count]: index.length / taps,
    [ResampleField.taps]: taps,
    [ResampleField.a]: a,
    [ResampleField.index]: ctx.image(index),
    [ResampleField.weight]: ctx.image(weight),
    [ResampleField.c]: c,
    [ResampleField.outside]: f32Bits(ctx.node.attrs.extrapolation_value as number),
  });
}

function casesOf(): OpCase[] {
  const cases: OpCase[] = [];
  const add = (name: string, attrs: OpCase["attrs"], scales?: readonly number[], sizes?: readonly number[], roi?: readonly number[]) =>
    cases.push({
      name,
      inputs: [wave([1, 2, 5, 6]), roi && f32(roi), scales && f32(scales), sizes && i64(sizes)],
      attrs,
      constants: [1, 2, 3],
    });
  for (const mode of ["nearest", "linear", "cubic"]) {
    for (const coordinate_transformation_mode of Object.keys(TRANSFORMATIONS)) {
      if (coordinate_transformation_mode === "tf_crop_and_resize") continue;
      add(`${mode} ${coordinate_transformation_mode}`, { mode, coordinate_transformation_mode }, undefined, [1, 2, 8, 4]);
    }
    add(
      `${mode} crop`,
      { mode, coordinate_transformation_mode: "tf_crop_and_resize", extrapolation_value: 7 },
      undefined,
      [1, 2, 4, 7],
      [0, 0, 0.4, 0.2, 1, 1, 1.2, 0.7],
    );
  }
  for (const nearest_mode of Object.keys(NEAREST)) add(`nearest ${nearest_mode}`, { nearest_mode }, [1, 1, 0.6, 1.7]);
  add("cubic without the outside", { mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 }, [1, 1, 0.8, 2.3]);
  for (const mode of ["linear", "cubic"]) add(`${mode} antialiased`, { mode, antialias: 1 }, [1, 1, 0.4, 0.7]);
  add("channels too", { mode: "linear" }, [1, 2, 0.5, 2]);
  add("given axes, not larger", { axes: [3, 2], keep_aspect_ratio_policy: "not_larger", mode: "linear" }, undefined, [9, 9]);
  add("nothing changes", {}, [1, 1, 1, 1]);
  const bytes = tensor("u8", [1, 2, 3, 250], [1, 1, 2, 2]);
  cases.push({ name: "bytes", inputs: [bytes, undefined, f32([1, 1, 2, 1.5])], constants: [2] });
  return cases;
}
