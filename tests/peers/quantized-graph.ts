/** Random models that come quantized: the same steps as pairs of QuantizeLinear and DequantizeLinear, and in operator form. */
import { mulberry32 } from "../../src/data/sample.ts";
import { MODEL } from "../../src/onnx/schema.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import { encode } from "../../src/onnx/wire.ts";
import { elementCount, f32, type Shape, type Tensor, tensor } from "../../src/tensor/index.ts";
import { node, value } from "../onnx/model.ts";

export type Form = "pairs" | "operators";

export interface Kind {
  readonly form: Form;
  /** int8 activations, or uint8. */
  readonly signed: boolean;
  /** A scale for each output of weights, or one for all. */
  readonly perChannel: boolean;
}

/** Integers of a name, and the names of their scale and zero point. */
interface Integers {
  readonly name: string;
  readonly shape: Shape;
  readonly scale: number;
}

type Attrs = Parameters<typeof node>[3];

/** A model, its input, and its outputs: the integers of every step. */
export interface QuantizedModel {
  readonly bytes: Uint8Array;
  readonly input: Tensor;
  readonly outputs: readonly string[];
  /** What the steps are, for messages. */
  readonly steps: readonly string[];
}

/** Where integers of an even spread lie: their deviation, in steps. */
const DEVIATION = 74;
/** Deviations that a grid has room for on each side. */
const ROOM = 2.5;

class Builder {
  private readonly nodes: ReturnType<typeof node>[] = [];
  private readonly constants: [string, Tensor][] = [];
  private readonly random: () => number;
  private readonly kind: Kind;
  readonly steps: string[] = [];
  readonly outputs: string[] = [];
  readonly x: Integers;
  readonly input: Tensor;

  constructor(kind: Kind, seed: number, shape: Shape) {
    this.kind = kind;
    this.random = mulberry32(seed);
    this.input = this.integers(shape, kind.signed ? "i8" : "u8");
    this.x = this.grid("x", shape, 0.02);
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private integers(shape: Shape, dtype: "i8" | "u8", span = 128): Tensor {
    const middle = dtype === "u8" ? 128 : 0;
    const data = Array.from({ length: elementCount(shape) }, () => middle + Math.floor((2 * this.random() - 1) * span));
    return tensor(dtype, data, shape);
  }

  private constant(name: string, data: Tensor): string {
    this.constants.push([name, data]);
    return name;
  }

  private add(op: string, inputs: string, output: string, attrs?: Attrs): void {
    const contrib = op.startsWith("ms:");
    this.nodes.push({
      ...node(op.replace("ms:", ""), inputs, output, attrs, `n${this.nodes.length}`),
      ...(contrib && { domain: "com.microsoft" }),
    });
  }

  /** Names integers and gives them a grid of this scale, whose zero point is not in the middle. */
  private grid(name: string, shape: Shape, scale: number): Integers {
    const zero = this.below(60) - 30;
    const { signed } = this.kind;
    this.constant(`${name}s`, f32([scale], []));
    this.constant(`${name}z`, tensor(signed ? "i8" : "u8", [signed ? zero : zero + 128], []));
    return { name, shape, scale: Math.fround(scale) };
  }

  private real({ name }: Integers): string {
    const real = `${name}_r${this.nodes.length}`;
    this.add("DequantizeLinear", `${name} ${name}s ${name}z`, real);
    return real;
  }

  private params = ({ name }: Integers): string => `${name} ${name}s ${name}z`;

  /** A step with integers out: `pairs` writes its reals, `operators` its integers. */
  private step(what: string, shape: Shape, deviation: number, write: Readonly<Record<Form, (to: Integers) => void>>): Integers {
    const to = this.grid(`v${this.outputs.length}`, shape, (deviation * ROOM) / 128);
    this.steps.push(what);
    write[this.kind.form](to);
    if (this.kind.form === "pairs") this.add("QuantizeLinear", `${to.name}_real ${to.name}s ${to.name}z`, to.name);
    this.outputs.push(to.name);
    return to;
  }

  /** Constant weights of so many outputs along `axis`, with scales and zero points of 0: their names. */
  private weights(shape: Shape, axis: number): { names: string; bias: string; scale: number; real: (input: Integers) => string } {
    const name = `w${this.constants.length}`;
    const scale = 0.004 + 0.01 * this.random();
    const n = shape[axis];
    const scales = Array.from({ length: this.kind.perChannel ? n : 1 }, (_, i) => scale * (1 + (i % 5) / 7));
    const spread = this.kind.perChannel ? [n] : [];
    this.constant(name, this.integers(shape, "i8", 127));
    this.constant(`${name}s`, f32(scales, spread));
    this.constant(
      `${name}z`,
      tensor(
        "i8",
        scales.map(() => 0),
        spread,
      ),
    );
    const bias = this.constant(
      `${name}b`,
      tensor(
        "i32",
        Array.from({ length: n }, () => Math.floor((2 * this.random() - 1) * 9000)),
      ),
    );
    return {
      names: `${name} ${name}s ${name}z`,
      bias,
      scale: scale * 1.2,
      real: (input) => {
        const biasScale = this.constant(
          `${bias}s`,
          f32(
            scales.map((s) => Math.fround(Math.fround(s) * input.scale)),
            spread,
          ),
        );
        const zeros = this.constant(
          `${bias}z`,
          tensor(
            "i32",
            scales.map(() => 0),
            spread,
          ),
        );
        this.add("DequantizeLinear", `${name} ${name}s ${name}z`, `${name}_r`, { axis });
        this.add("DequantizeLinear", `${bias} ${biasScale} ${zeros}`, `${bias}_r`, { axis: 0 });
        return `${name}_r ${bias}_r`;
      },
    };
  }

  conv(x: Integers, depthwise: boolean): Integers {
    const [, channels, height, width] = x.shape;
    const outputs = depthwise ? channels : 1 + this.below(20);
    const [kernel, stride] = [1 + 2 * this.below(2), 1 + this.below(2)];
    const w = this.weights([outputs, depthwise ? 1 : channels, kernel, kernel], 0);
    const pad = (kernel - 1) / 2;
    const attrs = {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: depthwise ? channels : 1,
    };
    const shape = [1, outputs, Math.ceil(height / stride), Math.ceil(width / stride)];
    const terms = (depthwise ? 1 : channels) * kernel * kernel;
    return this.step(depthwise ? "depthwise Conv" : "Conv", shape, DEVIATION ** 2 * x.scale * w.scale * Math.sqrt(terms), {
      pairs: (to) => this.add("Conv", `${this.real(x)} ${w.real(x)}`, `${to.name}_real`, attrs),
      operators: (to) => this.add("QLinearConv", `${this.params(x)} ${w.names} ${to.name}s ${to.name}z ${w.bias}`, to.name, attrs),
    });
  }

  matmul(x: Integers): Integers {
    const k = x.shape[x.shape.length - 1];
    const n = 1 + this.below(20);
    const w = this.weights([k, n], 1);
    const shape = [...x.shape.slice(0, -1), n];
    return this.step("MatMul", shape, DEVIATION ** 2 * x.scale * w.scale * Math.sqrt(k), {
      pairs: (to) => {
        const [weights] = w.real(x).split(" ");
        this.add("MatMul", `${this.real(x)} ${weights}`, `${to.name}_real`);
      },
      operators: (to) => this.add("QLinearMatMul", `${this.params(x)} ${w.names} ${to.name}s ${to.name}z`, to.name),
    });
  }

  sum(a: Integers, b: Integers): Integers {
    return this.step("Add", a.shape, DEVIATION * Math.hypot(a.scale, b.scale), {
      pairs: (to) => this.add("Add", `${this.real(a)} ${this.real(b)}`, `${to.name}_real`),
      operators: (to) => this.add("ms:QLinearAdd", `${this.params(a)} ${this.params(b)} ${to.name}s ${to.name}z`, to.name),
    });
  }

  concat(a: Integers, b: Integers): Integers {
    const shape = a.shape.with(1, a.shape[1] + b.shape[1]);
    return this.step("Concat", shape, DEVIATION * Math.max(a.scale, b.scale), {
      pairs: (to) => this.add("Concat", `${this.real(a)} ${this.real(b)}`, `${to.name}_real`, { axis: 1 }),
      operators: (to) => this.add("ms:QLinearConcat", `${to.name}s ${to.name}z ${this.params(a)} ${this.params(b)}`, to.name, { axis: 1 }),
    });
  }

  sigmoid(x: Integers): Integers {
    return this.step("Sigmoid", x.shape, 0.35, {
      pairs: (to) => this.add("Sigmoid", this.real(x), `${to.name}_real`),
      operators: (to) => this.add("ms:QLinearSigmoid", `${this.params(x)} ${to.name}s ${to.name}z`, to.name),
    });
  }

  averagePool(x: Integers): Integers {
    const [, , height, width] = x.shape;
    const attrs = { kernel_shape: [2, 2], strides: [1, 1] };
    return this.step("AveragePool", x.shape.with(2, height - 1).with(3, width - 1), (DEVIATION * x.scale) / 2, {
      pairs: (to) => this.add("AveragePool", this.real(x), `${to.name}_real`, attrs),
      operators: (to) => this.add("ms:QLinearAveragePool", `${this.params(x)} ${to.name}s ${to.name}z`, to.name, attrs),
    });
  }

  /** The only step whose output keeps the grid of its input. */
  maxPool(x: Integers): Integers {
    const [, , height, width] = x.shape;
    const attrs = { kernel_shape: [2, 2], strides: [1, 1] };
    const to = { name: `v${this.outputs.length}`, shape: x.shape.with(2, height - 1).with(3, width - 1), scale: x.scale };
    this.steps.push("MaxPool");
    for (const part of ["s", "z"]) this.constant(`${to.name}${part}`, this.constants.find(([name]) => name === x.name + part)![1]);
    if (this.kind.form === "operators") this.add("MaxPool", x.name, to.name, attrs);
    else {
      this.add("MaxPool", this.real(x), `${to.name}_real`, attrs);
      this.add("QuantizeLinear", `${to.name}_real ${to.name}s ${to.name}z`, to.name);
    }
    this.outputs.push(to.name);
    return to;
  }

  model(): QuantizedModel {
    const type = this.kind.signed ? 3 : 2;
    const bytes = encode(MODEL, {
      irVersion: 8,
      producerName: "test",
      opsetImport: [
        { domain: "", version: 17 },
        { domain: "com.microsoft", version: 1 },
      ],
      graph: {
        name: "g",
        node: this.nodes,
        input: [value("x", this.input.shape, type)],
        output: this.outputs.map((name) => value(name, undefined, type)),
        initializer: this.constants.map(([name, data]) => writeTensor(name, data)),
      },
    });
    return { bytes, input: this.input, outputs: this.outputs, steps: this.steps };
  }
}

/** Four to eight steps, each on one of the latest integers that fit it. */
export function quantizedModel(kind: Kind, seed: number): QuantizedModel {
  const first = mulberry32(seed ^ 0x5eed);
  const b = new Builder(kind, seed, [1, 1 + Math.floor(first() * 9), 5 + Math.floor(first() * 6), 5 + Math.floor(first() * 6)]);
  const values = [b.x];
  const steps = 4 + b.below(5);
  while (b.steps.length < steps) {
    const x = values[Math.max(0, values.length - 1 - b.below(2))];
    const alike = values.filter(({ shape }) => String(shape) === String(x.shape));
    const besides = values.filter(({ shape }) => String(shape.toSpliced(1, 1)) === String(x.shape.toSpliced(1, 1)));
    const small = x.shape[2] < 2 || x.shape[3] < 2;
    const choice = b.below(9);
    if (choice <= 1) values.push(b.conv(x, false));
    else if (choice === 2) values.push(b.conv(x, true));
    else if (choice === 3) values.push(b.matmul(x));
    else if (choice === 4) values.push(b.sum(x, alike[b.below(alike.length)]));
    else if (choice === 5) values.push(b.concat(x, besides[b.below(besides.length)]));
    else if (choice === 6) values.push(b.sigmoid(x));
    else if (small) continue;
    else values.push(choice === 7 ? b.averagePool(x) : b.maxPool(x));
  }
  return b.model();
}
