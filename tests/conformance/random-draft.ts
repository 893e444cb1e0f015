/** A random graph in the making, and choices in it. */
import type { Node } from "../../src/graph/graph.ts";
import { makeNode } from "../../src/ops/node.ts";
import { inferNode } from "../../src/semantics/infer.ts";
import { type DType, elementCount, f32, i64, type Shape, type Tensor, type TensorType, typeOf } from "../../src/tensor/index.ts";
import { random, randomOf } from "../graph/build.ts";

/** No value has more elements than this. */
const MAX_ELEMENTS = 1500;

/** A graph in the making. */
export class Draft {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly types = new Map<string, TensorType>();
  readonly values: string[] = [];
  readonly inputs: string[] = [];
  private picks: readonly number[] = [0];
  private at = 0;

  input(type: TensorType): void {
    const name = `x${this.inputs.length}`;
    this.inputs.push(name);
    this.values.push(name);
    this.types.set(name, type);
  }

  choose(picks: readonly number[]): void {
    this.picks = picks;
    this.at = 0;
  }

  /** A number in 0..n−1. */
  below(n: number): number {
    return this.picks[this.at++ % this.picks.length] % Math.max(1, n);
  }

  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A value of reals, most often one of the latest. The first input is one, so that there always is. */
  value(): string {
    return this.valueOf(["f32"])!;
  }

  /** A value of one of these types, most often one of the latest; undefined where there is none. */
  valueOf(types: readonly DType[]): string | undefined {
    const values = this.values.filter((name) => types.includes(this.type(name)));
    return values[values.length - 1 - this.below(this.below(3) ? Math.min(2, values.length) : values.length)];
  }

  shape(value: string): Shape {
    return this.types.get(value)!.shape;
  }

  type(value: string): DType {
    return this.types.get(value)!.dtype;
  }

  constant(value: Tensor): string {
    const name = `c${this.constants.size}`;
    this.constants.set(name, value);
    this.types.set(name, typeOf(value));
    return name;
  }

  reals(shape: Shape): string {
    return this.like("f32", shape);
  }

  like(dtype: DType, shape: Shape): string {
    return this.constant(randomOf({ dtype, shape }, this.constants.size + 1));
  }

  /** Keeps a value from being read by later steps. */
  hide(value: string): void {
    if (this.values.includes(value)) this.values.splice(this.values.indexOf(value), 1);
  }

  positive(shape: Shape): string {
    const data = random(shape, this.constants.size + 1).data.map((v) => v + 1.5);
    return this.constant(f32(data, shape));
  }

  ints(values: readonly number[]): string {
    return this.constant(i64(values));
  }

  /** Adds a node and returns its first output, or undefined where it does not fit or grows too large. */
  add(op: string, inputs: readonly string[], attrs: Node["attrs"] = {}, outputs = 1): string | undefined {
    const id = this.nodes.length;
    const names = Array.from({ length: outputs }, (_, i) => `v${id}${i ? `.${i}` : ""}`);
    const node = makeNode({ op, name: `n${id}`, inputs, outputs: names, attrs });
    let types: readonly TensorType[];
    try {
      ({ types } = inferNode(
        node,
        (name) => this.types.get(name),
        (name) => this.constants.get(name),
      ));
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
    // The mean and the largest of nothing are no numbers that a grid could hold.
    if (/Mean|Average|Max|Min/.test(op) && this.shape(inputs[0]).includes(0)) return undefined;
    if (types.some(({ shape }) => elementCount(shape) > MAX_ELEMENTS || shape.length > 7)) return undefined;
    this.nodes.push(node);
    names.forEach((name, i) => {
      this.types.set(name, types[i]);
      this.values.push(name);
    });
    return names[0];
  }
}

/** A shape that broadcasts to `shape`. */
export const stretched = (d: Draft, shape: Shape): Shape => shape.slice(d.below(shape.length + 1)).map((n) => (d.below(3) ? n : 1));

export const axisOf = (d: Draft, shape: Shape): number => d.between(-shape.length, shape.length - 1);

export const subset = (d: Draft, n: number): number[] => Array.from({ length: n }, (_, i) => i).filter(() => d.below(2) === 0);

export const divisors = (n: number): number[] => [
  1,
  ...Array.from({ length: Math.max(0, n - 1) }, (_, i) => i + 2).filter((k) => n % k === 0),
];

export const pair = (d: Draft, min: number, max: number): [number, number] => [d.between(min, max), d.between(min, max)];

/** Adds operators that read x, whose shape is given, or nothing where they do not fit. */
export type Maker = (d: Draft, x: string, shape: Shape) => void;
