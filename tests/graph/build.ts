import type { Graph, Node } from "../../src/graph/graph.ts";
import { makeNode } from "../../src/ops/node.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { f32, type Tensor, type TensorType, tensor, typeOf } from "../../src/tensor/index.ts";

interface Parts {
  /** Shapes of f32 inputs, or full types. */
  readonly inputs: Readonly<Record<string, readonly number[] | TensorType>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
  /** `[op, inputs, outputs, attributes]`, names separated by blanks; `_` is an absent input. */
  readonly nodes: readonly (readonly [op: string, inputs: string, outputs: string, attrs?: Node["attrs"]])[];
  readonly outputs: string;
}

/** A graph without types of its inner values. */
export function untyped({ inputs, constants = {}, nodes, outputs }: Parts): Graph {
  const words = (text: string) => text.split(" ").filter(Boolean);
  const types = Object.entries(inputs).map(([name, type]): [string, TensorType] => [
    name,
    "dtype" in type ? type : { dtype: "f32", shape: type },
  ]);
  return {
    name: "test",
    inputs: Object.keys(inputs),
    outputs: words(outputs),
    constants: new Map(Object.entries(constants)),
    types: new Map([...types, ...Object.entries(constants).map(([name, value]): [string, TensorType] => [name, typeOf(value)])]),
    nodes: nodes.map(([op, reads, writes, attrs]) =>
      makeNode({
        op,
        name: words(writes)[0],
        inputs: words(reads).map((name) => (name === "_" ? "" : name)),
        outputs: words(writes),
        attrs,
      }),
    ),
  };
}

export const graphOf = (parts: Parts): Graph => inferTypes(untyped(parts));

/** Numbers in −1..1 that depend on `seed` alone (a linear congruential generator). */
export function random(shape: readonly number[], seed: number): Tensor {
  let state = seed * 2654435761;
  const n = shape.reduce((a, b) => a * b, 1);
  return f32(
    Array.from({ length: n }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    }),
    shape,
  );
}

/** Small values of a type: reals in −1..1, integers up to 9 (of u8 none below 0), bools. */
export function randomOf({ dtype, shape }: TensorType, seed: number): Tensor {
  const reals = random(shape, seed);
  if (dtype === "f32") return reals;
  const whole = reals.data.map((v) => (dtype === "bool" ? Number(v > 0) : Math.trunc((dtype === "u8" ? Math.abs(v) : v) * 10)));
  return tensor(dtype, whole, shape);
}

/** Values for all inputs of a graph. */
export function randomInputs(graph: Graph, seed: number): Record<string, Tensor> {
  return Object.fromEntries(graph.inputs.map((name, i) => [name, randomOf(graph.types.get(name)!, seed + i)]));
}
