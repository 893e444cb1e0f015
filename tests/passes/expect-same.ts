import { expect } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import type { Pass } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { randomInputs } from "../graph/build.ts";

/**
 * Applies a pass, and proves by evaluation on random inputs that the graph still computes the same, within `tolerance` relative to the
 * largest output, and that it verifies.
 */
export function applied(pass: Pass, graph: Graph, tolerance = 0): Graph {
  const result = pass(graph);
  verifyGraph(result);
  expect([result.inputs, result.outputs]).toEqual([graph.inputs, graph.outputs]);
  for (const seed of [1, 2]) {
    const inputs = randomInputs(graph, seed);
    const expected = evaluate(graph, inputs);
    const actual = evaluate(result, inputs);
    for (const name of graph.outputs) {
      expect(actual[name].shape).toEqual(expected[name].shape);
      const wanted = Array.from(expected[name].data);
      const largest = Math.max(1, ...wanted.map(Math.abs));
      wanted.forEach((want, i) => {
        const value = actual[name].data[i];
        if (!(Math.abs(value - want) <= tolerance * largest)) expect.fail(`${name}[${i}] is ${value}, was ${want}`);
      });
    }
  }
  return result;
}
