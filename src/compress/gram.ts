/** Sums of outer products, by the product's own matrix kernels: they are fifty times as fast as loops over numbers here. */
import type { Graph } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { type Instrumented, instrument } from "./instrument.ts";

/** Rows that one product takes; f32 sums of so many lose nothing that matters, and what comes after is summed in f64. */
const ROWS = 64;

/** Shorter rows are multiplied here: calling wasm would take longer. */
const SHORT = 24;

/** Products of matrices of one width; undefined for rows that need none. */
export type GramKernel = Instrumented | undefined;

export async function gramKernel(k: number): Promise<GramKernel> {
  return k <= SHORT ? undefined : instrument(productGraph(k), ["y"]);
}

function productGraph(k: number): Graph {
  return inferTypes({
    name: "gram",
    inputs: ["x"],
    outputs: ["y"],
    constants: new Map(),
    types: new Map([["x", { dtype: "f32", shape: [ROWS, k] }]]),
    nodes: [
      makeNode({ op: "Transpose", name: "t", inputs: ["x"], outputs: ["t"], attrs: { perm: [1, 0] } }),
      makeNode({ op: "MatMul", name: "y", inputs: ["t", "x"], outputs: ["y"] }),
    ],
  });
}

/** Σ x xᵀ over rows of k elements: a symmetric k × k matrix. */
export class Gram {
  readonly matrix: Float64Array;
  readonly #rows?: Float32Array;
  #count = 0;

  constructor(
    readonly k: number,
    readonly kernel: GramKernel,
  ) {
    this.matrix = new Float64Array(k * k);
    if (kernel) this.#rows = new Float32Array(ROWS * k);
  }

  add(row: Float64Array): void {
    if (!this.#rows) {
      for (let i = 0, at = 0; i < row.length; i++) for (let j = 0; j < row.length; j++) this.matrix[at++] += row[i] * row[j];
      return;
    }
    this.#rows.set(row, this.#count++ * this.k);
    if (this.#count === ROWS) this.flush();
  }

  /** Call it after the last row. */
  flush(): void {
    if (!this.#rows || this.#count === 0) return;
    this.#rows.fill(0, this.#count * this.k);
    const product = this.kernel!.run({ x: this.#rows }).get("y")!;
    for (let i = 0; i < product.length; i++) this.matrix[i] += product[i];
    this.#count = 0;
  }
}
