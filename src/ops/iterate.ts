/** Loops as records: what Loop and Scan lower to. */
import { CopyAtField, CountField } from "../../assembly/shared/control.ts";
import { FillField, Op } from "../../assembly/shared/plan.ts";
import type { Graph } from "../graph/graph.ts";
import { DTYPES, elementCount, type TensorType } from "../tensor/index.ts";
import type { Lowering, Place, Word } from "./lowering.ts";

export interface Iteration {
  readonly body: Graph;
  /** Where the i32 number of iterations stands that there are at most; the number itself, where it is known. */
  readonly limit: Place | undefined;
  readonly most: number | undefined;
  /** Whether there is a condition: none, one that the body's first output gives, or one that stands here before the first iteration. */
  readonly condition: "always" | "after" | Place;
  /** Whether the body takes the counter and the condition first and puts out the condition first, as that of Loop does. */
  readonly formals: "none" | "counter and condition";
  /** Values before the first iteration; the node's first outputs are what they are after the last. */
  readonly state: readonly string[];
  /** Values of which each iteration gets one of `length` slices along axis 0. */
  readonly scanned: readonly { readonly value: string; readonly length: number; readonly reversed: boolean }[];
  readonly captures: readonly string[];
  /** For each of the other outputs, which stack what iterations put out, whether the last iteration comes first. */
  readonly reversed: readonly boolean[];
}

const bytesOf = ({ dtype, shape }: TensorType): number => elementCount(shape) * DTYPES[dtype].bytes;

/** Bytes of one place along axis 0. */
const sliceBytes = (type: TensorType): number => bytesOf({ ...type, shape: type.shape.slice(1) });

const WORD = 4;

/**
 * The body's records between a counter's start and a jump back. Carried values lie at the node's outputs from before the first iteration on; each
 * iteration copies its results there.
 */
export function lowerIteration(ctx: Lowering, iteration: Iteration): void {
  const { body, limit, condition, state, scanned } = iteration;
  const outputs = ctx.node.outputs.map((name) => ctx.place(name));
  const states = outputs.slice(0, state.length);
  const counter = ctx.scratch(WORD);
  const goes = ctx.scratch(1);
  const looped = iteration.formals === "counter and condition";
  fill(ctx, counter, WORD, 1, 0);
  if (typeof condition === "string") fill(ctx, goes, 1, 1, 1);
  else copyBytes(ctx, condition, goes, { dtype: "bool", shape: [] });
  state.forEach((name, i) => {
    copyBytes(ctx, ctx.place(name), states[i], ctx.type(name));
  });
  const stacks = ctx.node.outputs.slice(state.length);
  // The places of iterations that do not take place.
  if (condition !== "always") for (const name of stacks) fill(ctx, ctx.place(name), 1, bytesOf(ctx.type(name)), 0);

  const [top, test, end] = [ctx.label(), ctx.label(), ctx.label()];
  if (typeof condition !== "string") ctx.jumpIf(end, goes, false);
  if (limit) ctx.jump(test);
  ctx.repeated(iteration.most ?? 1, () => {
    ctx.mark(top);
    const slices = scanned.map(({ value, length, reversed }) => {
      const bytes = sliceBytes(ctx.type(value));
      const slice = ctx.scratch(Math.max(1, bytes));
      const source = slot(ctx.place(value), counter, bytes, length, reversed);
      copyAt(ctx, bytes, source, fixed(slice));
      return slice;
    });
    const given = [...(looped ? [counter, goes] : []), ...states, ...slices, ...iteration.captures];
    const results = ctx.body(body, given);
    const carried = looped ? results.slice(1) : results;
    stacks.forEach((name, i) => {
      const type = ctx.type(name);
      const bytes = sliceBytes(type);
      copyAt(ctx, bytes, fixed(carried[state.length + i]), slot(ctx.place(name), counter, bytes, type.shape[0], iteration.reversed[i]));
    });
    const moves = state.map((name, i) => ({ from: carried[i], to: states[i], type: ctx.type(name) }));
    if (condition !== "always") moves.push({ from: results[0], to: goes, type: { dtype: "bool", shape: [] } });
    moveAll(ctx, moves);
    ctx.emit(Op.count, { [CountField.at]: counter, [CountField.step]: 1 });
    if (condition !== "always") ctx.jumpIf(end, goes, false);
    ctx.mark(test);
    if (limit) ctx.jumpBelow(top, counter, limit);
    else ctx.jump(top);
  });
  ctx.mark(end);
  for (const name of stacks) if (ctx.type(name).bound) ctx.measured(name, counter);
}

/** Copies as if all took place at once: what a copy before it would overwrite is set aside first. */
function moveAll(ctx: Lowering, moves: readonly { readonly from: Place; readonly to: Place; readonly type: TensorType }[]): void {
  const targets = new Map(moves.map(({ to }, i) => [to.buffer, i]));
  const safe = moves.map(({ from, to, type }, i) => {
    const writer = targets.get(from.buffer);
    if (writer === undefined || writer >= i) return { from, to, type };
    const aside = ctx.scratch(Math.max(1, bytesOf(type)));
    copyBytes(ctx, from, aside, type);
    return { from: aside, to, type };
  });
  for (const { from, to, type } of safe) copyBytes(ctx, from, to, type);
}

/** An end of a copy: a place, and what the i32 at `index` is multiplied with and added to it (0: nothing). */
interface End {
  readonly at: Place;
  readonly index: Word;
  readonly step: number;
}

const fixed = (at: Place): End => ({ at, index: 0, step: 0 });

/** The slice of `bytes` that the counter points at, from the first on or from the last back. */
function slot(at: Place, counter: Place, bytes: number, length: number, reversed: boolean): End {
  return reversed
    ? { at: { ...at, offset: at.offset + (length - 1) * bytes }, index: counter, step: -bytes }
    : { at, index: counter, step: bytes };
}

function copyAt(ctx: Lowering, bytes: number, from: End, to: End): void {
  if (bytes === 0) return;
  ctx.emit(Op.copy_at, {
    [CopyAtField.bytes]: bytes,
    [CopyAtField.src]: from.at,
    [CopyAtField.src_index]: from.index,
    [CopyAtField.src_step]: from.step,
    [CopyAtField.dst]: to.at,
    [CopyAtField.dst_index]: to.index,
    [CopyAtField.dst_step]: to.step,
  });
}

/** Copies a whole value; nothing where it is there already. */
export function copyBytes(ctx: Lowering, from: Place, to: Place, type: TensorType): void {
  if (from.buffer !== to.buffer || from.offset !== to.offset) copyAt(ctx, bytesOf(type), fixed(from), fixed(to));
}

function fill(ctx: Lowering, dst: Place, size: number, count: number, value: number): void {
  if (count === 0) return;
  ctx.emit(Op.fill, { [FillField.dst]: dst, [FillField.size]: size, [FillField.count]: count, [FillField.value]: value });
}
