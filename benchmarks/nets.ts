/** The nets of the benchmark, with seeded random weights: the shapes that decide speed are those of the originals. */

import { mulberry32 } from "../src/data/sample.ts";
import type { Graph, Node } from "../src/graph/graph.ts";
import { writeOnnx } from "../src/onnx/index.ts";
import { makeNode } from "../src/ops/node.ts";
import { inferTypes } from "../src/semantics/infer.ts";
import { elementCount, f32, i64, type Shape, type Tensor } from "../src/tensor/index.ts";

/** Builds a graph node by node; every method returns the name of the value it adds. */
class Net {
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #random: () => number;

  constructor(
    readonly name: string,
    readonly input: Shape,
  ) {
    this.#random = mulberry32(1);
  }

  add(op: string, inputs: readonly string[], attrs: Node["attrs"] = {}): string {
    const output = `${op.toLowerCase()}_${this.#nodes.length}`;
    this.#nodes.push(makeNode({ op, name: output, inputs, outputs: [output], attrs }));
    return output;
  }

  constant(value: Tensor): string {
    const name = `c${this.#constants.size}`;
    this.#constants.set(name, value);
    return name;
  }

  /** Normal numbers scaled so that activations keep their size (He et al. 2015). */
  weights(shape: Shape, fanIn: number): string {
    const scale = Math.sqrt(2 / fanIn);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return this.constant(
      f32(
        Array.from({ length: elementCount(shape) }, () => scale * normal()),
        shape,
      ),
    );
  }

  conv(
    x: string,
    from: number,
    to: number,
    kernel: readonly [number, number],
    options: { stride?: number; pads?: readonly number[]; group?: number; relu?: number } = {},
  ): string {
    const { stride = 1, pads, group = 1, relu } = options;
    const [h, w] = kernel;
    const same = [(h - 1) >> 1, (w - 1) >> 1, h >> 1, w >> 1];
    const depth = from / group;
    const y = this.add("Conv", [x, this.weights([to, depth, h, w], depth * h * w), this.weights([to], 50)], {
      kernel_shape: kernel,
      strides: [stride, stride],
      pads: pads ?? same,
      group,
    });
    if (relu === undefined) return y;
    return relu === 6 ? this.add("Clip", [y, this.constant(f32([0], [])), this.constant(f32([6], []))]) : this.add("Relu", [y]);
  }

  dense(x: string, from: number, to: number): string {
    return this.add("Gemm", [x, this.weights([to, from], from), this.weights([to], 50)], { transB: 1 });
  }

  /** Product of a stack of rows with a matrix, and a bias. */
  linear(x: string, from: number, to: number): string {
    return this.add("Add", [this.add("MatMul", [x, this.weights([from, to], 2 * from)]), this.weights([to], 50)]);
  }

  reshape(x: string, shape: Shape): string {
    return this.add("Reshape", [x, this.constant(i64(shape))]);
  }

  head(x: string, channels: number, classes: number): string {
    const pooled = this.reshape(this.add("GlobalAveragePool", [x]), [1, channels]);
    return this.dense(pooled, channels, classes);
  }

  finish(...outputs: readonly string[]): Graph {
    return inferTypes({
      name: this.name,
      inputs: ["input"],
      outputs,
      nodes: this.#nodes,
      constants: this.#constants,
      types: new Map([["input", { dtype: "f32", shape: this.input }]]),
    });
  }
}

/** Keyword spotting of MLPerf Tiny. */
function dscnn(): Graph {
  const net = new Net("dscnn", [1, 1, 49, 10]);
  let x = net.conv("input", 1, 64, [10, 4], { stride: 2, pads: [4, 1, 5, 1], relu: 0 });
  for (let i = 0; i < 4; i++) {
    x = net.conv(x, 64, 64, [3, 3], { group: 64, relu: 0 });
    x = net.conv(x, 64, 64, [1, 1], { relu: 0 });
  }
  return net.finish(net.head(x, 64, 12));
}

/** Image classification of MLPerf Tiny. */
function resnet8(): Graph {
  const net = new Net("resnet8", [1, 3, 32, 32]);
  let x = net.conv("input", 3, 16, [3, 3], { relu: 0 });
  for (const [from, to] of [
    [16, 16],
    [16, 32],
    [32, 64],
  ])
    x = residual(net, x, from, to, from === to ? 1 : 2);
  return net.finish(net.head(x, 64, 10));
}

function residual(net: Net, x: string, from: number, to: number, stride: number): string {
  const y = net.conv(net.conv(x, from, to, [3, 3], { stride, relu: 0 }), to, to, [3, 3]);
  const skip = stride === 1 && from === to ? x : net.conv(x, from, to, [1, 1], { stride });
  return net.add("Relu", [net.add("Add", [y, skip])]);
}

/** Visual wake words of MLPerf Tiny: MobileNetV1, width 0.25, 96×96. */
function mobilenetv1(): Graph {
  const net = new Net("mobilenetv1", [1, 3, 96, 96]);
  let x = net.conv("input", 3, 8, [3, 3], { stride: 2, pads: [0, 0, 1, 1], relu: 0 });
  let from = 8;
  for (const [to, stride] of [[16, 1], [32, 2], [32, 1], [64, 2], [64, 1], [128, 2], ...Array(5).fill([128, 1]), [256, 2], [256, 1]] as [
    number,
    number,
  ][]) {
    x = net.conv(x, from, from, [3, 3], { group: from, stride, relu: 0 });
    x = net.conv(x, from, to, [1, 1], { relu: 0 });
    from = to;
  }
  return net.finish(net.head(x, 256, 2));
}

/** Anomaly detection of MLPerf Tiny. */
function autoencoder(): Graph {
  const net = new Net("autoencoder", [1, 640]);
  const widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640];
  let x = "input";
  for (let i = 1; i < widths.length; i++) {
    x = net.dense(x, widths[i - 1], widths[i]);
    if (i < widths.length - 1) x = net.add("Relu", [x]);
  }
  return net.finish(x);
}

/** `width` multiplies channels, which stay multiples of 8; `size` is the side of the image. */
function mobilenetv2(width = 1, size = 224): Graph {
  const scaled = (channels: number): number => Math.max(8, 8 * Math.round((channels * width) / 8));
  const net = new Net("mobilenetv2", [1, 3, size, size]);
  let from = scaled(32);
  let x = net.conv("input", 3, from, [3, 3], { stride: 2, relu: 6 });
  for (const [expand, channels, repeat, first] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ]) {
    const to = scaled(channels);
    for (let i = 0; i < repeat; i++) {
      const stride = i === 0 ? first : 1;
      const wide = from * expand;
      let y = expand === 1 ? x : net.conv(x, from, wide, [1, 1], { relu: 6 });
      y = net.conv(y, wide, wide, [3, 3], { group: wide, stride, relu: 6 });
      y = net.conv(y, wide, to, [1, 1]);
      x = stride === 1 && from === to ? net.add("Add", [x, y]) : y;
      from = to;
    }
  }
  const last = Math.max(1280, scaled(1280));
  return net.finish(net.head(net.conv(x, from, last, [1, 1], { relu: 6 }), last, 1000));
}

function resnet18(): Graph {
  const net = new Net("resnet18", [1, 3, 224, 224]);
  let x = net.conv("input", 3, 64, [7, 7], { stride: 2, relu: 0 });
  x = net.add("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let from = 64;
  for (const to of [64, 128, 256, 512]) {
    x = residual(net, x, from, to, from === to ? 1 : 2);
    x = residual(net, x, to, to, 1);
    from = to;
  }
  return net.finish(net.head(x, 512, 1000));
}

/** As in MiniLM, which has six layers: 384 wide, 12 heads, 1536 within, 128 tokens. */
function encoder(layers = 6): Graph {
  const [tokens, width, heads, inner] = [128, 384, 12, 1536];
  const net = new Net("encoder", [1, tokens, width]);
  const norm = (x: string): string =>
    net.add("LayerNormalization", [x, net.constant(f32(Array(width).fill(1))), net.constant(f32(Array(width).fill(0)))]);
  const split = (x: string, perm: readonly number[]): string =>
    net.add("Transpose", [net.reshape(x, [1, tokens, heads, width / heads])], { perm });
  let x = "input";
  for (let layer = 0; layer < layers; layer++) {
    const query = split(net.linear(x, width, width), [0, 2, 1, 3]);
    const key = split(net.linear(x, width, width), [0, 2, 3, 1]);
    const value = split(net.linear(x, width, width), [0, 2, 1, 3]);
    const scores = net.add("Div", [net.add("MatMul", [query, key]), net.constant(f32([Math.sqrt(width / heads)], []))]);
    const mixed = net.add("MatMul", [net.add("Softmax", [scores], { axis: -1 }), value]);
    const joined = net.reshape(net.add("Transpose", [mixed], { perm: [0, 2, 1, 3] }), [1, tokens, width]);
    x = norm(net.add("Add", [x, net.linear(joined, width, width)]));
    const hidden = net.linear(x, width, inner);
    const half = net.add("Mul", [hidden, net.constant(f32([0.5], []))]);
    const gate = net.add("Add", [
      net.add("Erf", [net.add("Div", [hidden, net.constant(f32([Math.SQRT2], []))])]),
      net.constant(f32([1], [])),
    ]);
    x = norm(net.add("Add", [x, net.linear(net.add("Mul", [half, gate]), inner, width)]));
  }
  return net.finish(x);
}

/** A detector of YOLO's kind at 320: SiLU, cross-stage blocks, three heads. */
function detector(): Graph {
  const net = new Net("detector", [1, 3, 320, 320]);
  const unit = (x: string, from: number, to: number, kernel: number, stride = 1): string => {
    const y = net.conv(x, from, to, [kernel, kernel], { stride });
    return net.add("Mul", [y, net.add("Sigmoid", [y])]);
  };
  const block = (x: string, width: number): string => {
    const [left, right] = [unit(x, width, width / 2, 1), unit(x, width, width / 2, 1)];
    const deep = net.add("Add", [right, unit(unit(right, width / 2, width / 2, 1), width / 2, width / 2, 3)]);
    return unit(net.add("Concat", [left, deep], { axis: 1 }), width, width, 1);
  };
  let x = unit("input", 3, 16, 3, 2);
  const heads: string[] = [];
  for (const [from, to] of [
    [16, 32],
    [32, 64],
    [64, 128],
    [128, 256],
  ]) {
    x = block(unit(x, from, to, 3, 2), to);
    if (to >= 64) heads.push(net.conv(x, to, 3 * 85, [1, 1]));
  }
  return net.finish(...heads);
}

function matmul(m: number, n: number, k: number): () => Graph {
  return () => {
    const net = new Net(`matmul ${m}x${n}x${k}`, [m, k]);
    return net.finish(net.add("MatMul", ["input", net.weights([k, n], 2 * k)]));
  };
}

/** Net by name, the LiteRT twin's name where there is one, and whether int8 with dynamic activations is of interest. */
export const NETS: Readonly<Record<string, { readonly graph: () => Graph; readonly twin?: string; readonly dynamic?: boolean }>> = {
  dscnn: { graph: dscnn, twin: "dscnn" },
  resnet8: { graph: resnet8, twin: "resnet8" },
  mobilenetv1: { graph: mobilenetv1, twin: "vww" },
  autoencoder: { graph: autoencoder, twin: "fcae" },
  mobilenetv2: { graph: () => mobilenetv2(), twin: "mobilenetv2" },
  resnet18: { graph: resnet18, twin: "resnet18" },
  encoder: { graph: () => encoder(), dynamic: true },
  detector: { graph: detector },
  "matmul-256": { graph: matmul(256, 256, 256) },
  "matmul-512": { graph: matmul(512, 512, 512) },
  "matmul-1024": { graph: matmul(1024, 1024, 1024) },
  "gemv-1024": { graph: matmul(1, 1024, 1024) },
};

export function onnxOf(name: string): Uint8Array {
  return onnxOfGraph(NETS[name].graph());
}

/** Families of nets whose costs are fitted against their size. */
export const FAMILIES = { mobilenetv2, encoder };

export function onnxOfGraph(graph: Graph): Uint8Array {
  return writeOnnx(graph, { producer: "edgepack benchmarks" });
}
