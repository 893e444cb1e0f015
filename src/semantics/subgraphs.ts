import { EdgepackError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Body, BodyOutputs, Subgraphs } from "../ops/define.ts";
import type { Tensor, TensorType } from "../tensor/index.ts";
import { evaluate } from "./evaluate.ts";
import { SHAPE_WORK, walkTypes } from "./infer.ts";

/** What the operators of control flow are given, so that they need not know who infers and evaluates. */
export const subgraphs: Subgraphs = { infer: inferBody, evaluate: evaluateBody };

function inferBody({ graph, inputs }: Body): BodyOutputs {
  const types = new Map(graph.inputs.map((name, i) => [name, inputs[i].type]));
  const values = graph.inputs.flatMap((name, i): [string, Tensor][] => (inputs[i].value ? [[name, inputs[i].value]] : []));
  try {
    const walk = walkTypes({ ...graph, types, constants: new Map([...graph.constants, ...values]) }, SHAPE_WORK);
    return graph.outputs.map((name) => {
      const type = walk.types.get(name);
      if (!type) throw new RangeError(`output ${name} of its subgraph ${graph.name} is written by nothing`);
      if (type.bound) throw new RangeError(`data decide how much there is of output ${name} of its subgraph ${graph.name}`);
      return { type, value: walk.constants.get(name) };
    });
  } catch (error) {
    if (!(error instanceof EdgepackError)) throw error;
    throw new RangeError(error.problems.length ? error.problems.join("; ") : error.message);
  }
}

function evaluateBody(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[] {
  const types = new Map<string, TensorType>();
  const results = evaluate({ ...graph, types }, Object.fromEntries(graph.inputs.map((name, i) => [name, inputs[i]])));
  return graph.outputs.map((name) => results[name]);
}
