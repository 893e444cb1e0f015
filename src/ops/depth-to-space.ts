/** Blocks of pixels to channels, and back. */
import type { Node } from "../graph/graph.ts";
import { type Shape, stridesOf, type TensorType, withShape } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineMover, type Move } from "./mover.ts";

function blockOf({ attrs }: Node, { shape }: TensorType): number {
  const block = attrs.blocksize as number;
  if (shape.length !== 4) throw new RangeError(`the input [${shape}] is not [batch, channels, height, width]`);
  if (block < 1) throw new RangeError(`blocksize is ${block}`);
  return block;
}

/**
 * Space [n, c, h·b, w·b] and depth [n, c·b², h, w] as strides over n, c, block row, block column, h, w. In depth, mode DCR has the block
 * before the channels, CRD behind them.
 */
function sixAxes([n, c, h, w]: Shape, b: number, mode: string) {
  const space = stridesOf([n, c, h * b, w * b]);
  const depth = stridesOf([n, c * b * b, h, w]);
  const [channel, row, column] = mode === "CRD" ? [b * b, b, 1] : [1, b * c, c];
  return {
    dims: [n, c, b, b, h, w],
    space: [space[0], space[1], space[2], space[3], b * space[2], b * space[3]],
    depth: [depth[0], channel * depth[1], row * depth[1], column * depth[1], depth[2], depth[3]],
  };
}

const move = (dims: Shape, srcStrides: readonly number[], dstStrides: readonly number[]): Move[] => [
  { input: 0, output: 0, dims, src: 0, srcStrides, dst: 0, dstStrides },
];

export const DepthToSpace = defineMover({
  attrs: { blocksize: attr.required(attr.int()), mode: attr.string("DCR") },
  arity: [1, 1],
  infer: ({ node, inputs: [x] }) => {
    const b = blockOf(node, x!);
    const [n, c, h, w] = x!.shape;
    if (node.attrs.mode !== "DCR" && node.attrs.mode !== "CRD") throw new RangeError(`mode "${node.attrs.mode}" is not supported`);
    if (c % (b * b)) throw new RangeError(`${c} channels do not divide into blocks of ${b} × ${b}`);
    return [withShape(x!, [n, c / (b * b), h * b, w * b])];
  },
  moves: ({ node, inputs: [x] }) => {
    const b = blockOf(node, x!);
    const [n, c, h, w] = x!.shape;
    const { dims, space, depth } = sixAxes([n, c / (b * b), h, w], b, node.attrs.mode as string);
    return move(dims, depth, space);
  },
  quantize: { kind: "same" },
  cases: [
    { name: "DCR", inputs: [wave([2, 8, 2, 3])], attrs: { blocksize: 2 } },
    { name: "CRD", inputs: [wave([1, 18, 2, 1])], attrs: { blocksize: 3, mode: "CRD" } },
  ],
});

export const SpaceToDepth = defineMover({
  attrs: { blocksize: attr.required(attr.int()) },
  arity: [1, 1],
  infer: ({ node, inputs: [x] }) => {
    const b = blockOf(node, x!);
    const [n, c, h, w] = x!.shape;
    if (h % b || w % b) throw new RangeError(`[${x!.shape}] does not divide into blocks of ${b} × ${b}`);
    return [withShape(x!, [n, c * b * b, h / b, w / b])];
  },
  moves: ({ node, inputs: [x] }) => {
    const b = blockOf(node, x!);
    const [n, c, h, w] = x!.shape;
    const { dims, space, depth } = sixAxes([n, c, h / b, w / b], b, "DCR");
    return move(dims, space, depth);
  },
  quantize: { kind: "same" },
  cases: [{ name: "blocks of 2", inputs: [wave([2, 3, 4, 6])], attrs: { blocksize: 2 } }],
});
