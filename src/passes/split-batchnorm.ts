import type { Graph } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { tensor } from "../tensor/index.ts";
import { batchNormAffine } from "./fuse-affine.ts";
import { rewrite } from "./rewrite.ts";

/** Batch normalization that no layer could take in becomes a multiplication and an addition. */
export function splitBatchnorm(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const affine = node.op === "BatchNormalization" ? batchNormAffine(node, draft) : undefined;
    if (!affine) return undefined;
    const shape = draft
      .type(node.outputs[0])
      .shape.slice(1)
      .map((d, i) => (i === 0 ? d : 1));
    const product = draft.fresh(`${node.outputs[0]}_scaled`);
    const constant = (what: string, data: Float64Array) => draft.addConstant(`${node.name}.${what}`, tensor("f32", data, shape));
    return [
      makeNode({
        op: "Mul",
        name: draft.fresh(`${node.name}.mul`),
        inputs: [affine.value, constant("scale", affine.scale)],
        outputs: [product],
      }),
      makeNode({ op: "Add", name: node.name, inputs: [product, constant("shift", affine.shift)], outputs: node.outputs }),
    ];
  });
}
