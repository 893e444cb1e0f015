import { CopyField, FillField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  DTYPES,
  elementCount,
  joinDims,
  type Shape,
  stridesOf,
  type Tensor,
  type TensorData,
  type TensorType,
  zeros,
} from "../tensor/index.ts";
import { defineOp, type InferContext, type OpDef } from "./define.ts";
import type { Lowering, Place } from "./lowering.ts";

/**
 * Operators that only move elements: each is described by the strided copies it makes, and evaluation and lowering
 * both follow from that description.
 */

/** `output[dst + Σ iₖ·dstStridesₖ] = input[src + Σ iₖ·srcStridesₖ]` over `dims`; all in elements. */
export interface Move {
  readonly input: number;
  readonly output: number;
  readonly dims: Shape;
  readonly src: number;
  readonly srcStrides: readonly number[];
  readonly dst: number;
  readonly dstStrides: readonly number[];
}

export interface MoveContext {
  readonly node: Node;
  readonly inputs: readonly (TensorType | undefined)[];
  readonly outputs: readonly TensorType[];
  constant(index: number): Tensor | undefined;
}

interface MoverDef extends Omit<OpDef, "eval" | "lower" | "tolerance" | "infer"> {
  infer(ctx: InferContext): readonly TensorType[];
  moves(ctx: MoveContext): readonly Move[];
  /** What elements that no move writes hold. */
  fill?(ctx: MoveContext): number | undefined;
}

/** A move of all of `output` from a dense input. */
export function wholeMove(output: TensorType, srcStrides: readonly number[], src = 0): Move {
  return { input: 0, output: 0, dims: output.shape, src, srcStrides, dst: 0, dstStrides: stridesOf(output.shape) };
}

/** The same move over the fewest dimensions. */
export function coalesce(move: Move): Move {
  const { dims, strides } = joinDims(move.dims, [move.srcStrides, move.dstStrides]);
  return { ...move, dims, srcStrides: strides[0], dstStrides: strides[1] };
}

export function copyElements(from: TensorData, to: TensorData, { dims, src, srcStrides, dst, dstStrides }: Move): void {
  const inner = dims.length - 1;
  if (inner < 0) {
    to[dst] = from[src];
    return;
  }
  const walk = (dim: number, s: number, t: number): void => {
    const [n, ds, dt] = [dims[dim], srcStrides[dim], dstStrides[dim]];
    if (dim < inner) for (let i = 0; i < n; i++) walk(dim + 1, s + i * ds, t + i * dt);
    else for (let i = 0; i < n; i++) to[t + i * dt] = from[s + i * ds];
  };
  walk(0, src, dst);
}

const MAX_DIMS = 6;

/** One copy record between two places; a move of more dimensions than a record holds becomes several. */
export function emitMove(ctx: Lowering, move: Move, from: Place, to: Place, size: number): void {
  const { dims, srcStrides, dstStrides } = move;
  if (dims.length > MAX_DIMS) {
    const inner = { ...move, dims: dims.slice(1), srcStrides: srcStrides.slice(1), dstStrides: dstStrides.slice(1) };
    for (let i = 0; i < dims[0]; i++) {
      const at = { src: move.src + i * srcStrides[0], dst: move.dst + i * dstStrides[0] };
      emitMove(ctx, { ...inner, ...at }, from, to, size);
    }
    return;
  }
  const lead = MAX_DIMS - dims.length;
  const d = (k: number) => dims[k - lead] ?? 1;
  const s = (k: number) => srcStrides[k - lead] ?? 0;
  const t = (k: number) => dstStrides[k - lead] ?? 0;
  ctx.emit(Op.copy, {
    [CopyField.src]: { buffer: from.buffer, offset: from.offset + move.src * size },
    [CopyField.dst]: { buffer: to.buffer, offset: to.offset + move.dst * size },
    [CopyField.size]: size,
    [CopyField.d0]: d(0),
    [CopyField.d1]: d(1),
    [CopyField.d2]: d(2),
    [CopyField.d3]: d(3),
    [CopyField.d4]: d(4),
    [CopyField.d5]: d(5),
    [CopyField.s0]: s(0),
    [CopyField.s1]: s(1),
    [CopyField.s2]: s(2),
    [CopyField.s3]: s(3),
    [CopyField.s4]: s(4),
    [CopyField.s5]: s(5),
    [CopyField.t0]: t(0),
    [CopyField.t1]: t(1),
    [CopyField.t2]: t(2),
    [CopyField.t3]: t(3),
    [CopyField.t4]: t(4),
    [CopyField.t5]: t(5),
  });
}

/** The 32-bit word whose low bytes are the element `value` of a tensor. */
function elementWord(type: TensorType, value: number): number {
  const word = new Uint8Array(4);
  const element = type.dtype === "i64" ? Int32Array.of(value) : DTYPES[type.dtype].array.from([value]);
  word.set(new Uint8Array(element.buffer));
  return new DataView(word.buffer).getInt32(0, true);
}

function lowerMoves(ctx: Lowering, def: MoverDef): void {
  const { node } = ctx;
  const move: MoveContext = {
    node,
    inputs: node.inputs.map((name) => (name === "" ? undefined : ctx.type(name))),
    outputs: node.outputs.map((name) => ctx.type(name)),
    constant: (index) => (node.inputs[index] ? ctx.constant(node.inputs[index]) : undefined),
  };
  const moves = def
    .moves(move)
    .filter((m) => elementCount(m.dims) > 0)
    .map(coalesce);
  const fill = def.fill?.(move);
  if (moves.length === 1 && fill === undefined) {
    const [{ input, output, dims, src, srcStrides }] = moves;
    const count = elementCount(ctx.type(node.inputs[input]).shape);
    const inOrder = src === 0 && (dims.length === 0 || (dims.length === 1 && srcStrides[0] === 1));
    if (inOrder && elementCount(dims) === count && elementCount(move.outputs[output].shape) === count) {
      ctx.alias(node.inputs[input], node.outputs[output]);
      return;
    }
  }
  if (fill !== undefined) {
    const [type] = move.outputs;
    ctx.emit(Op.fill, {
      [FillField.dst]: ctx.place(node.outputs[0]),
      [FillField.size]: DTYPES[type.dtype].bytes,
      [FillField.count]: elementCount(type.shape),
      [FillField.value]: elementWord(type, fill),
    });
  }
  for (const m of moves) {
    const [from, to] = [node.inputs[m.input], node.outputs[m.output]];
    emitMove(ctx, m, ctx.place(from), ctx.place(to), DTYPES[ctx.type(from).dtype].bytes);
  }
}

/** An operator whose evaluation and lowering are the moves that it names. */
export function defineMover(def: MoverDef): OpDef {
  const { moves, fill, ...rest } = def;
  return defineOp({
    ...rest,
    tolerance: "exact",
    eval: ({ node, inputs }) => {
      const constant = (index: number) => inputs[index];
      const types = def.infer({ node, inputs, constant });
      const ctx: MoveContext = { node, inputs, outputs: types, constant };
      const outputs = types.map(zeros);
      const value = fill?.(ctx);
      if (value !== undefined) outputs[0].data.fill(value);
      for (const move of moves(ctx))
        if (elementCount(move.dims) > 0) copyElements(inputs[move.input]!.data, outputs[move.output].data, coalesce(move));
      return outputs;
    },
    lower: (ctx) => lowerMoves(ctx, def),
  });
}
