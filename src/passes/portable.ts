import { freshNames, prune } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { cancelTransposes } from "./layout.ts";
import { unfuse } from "./unfuse.ts";
import { type Activations, withoutGrids } from "./without-grids.ts";
import { writeBlocks } from "./write-blocks.ts";

/**
 * A graph that was optimized, and quantized or not, as other engines read it: channels first, grids as pairs of QuantizeLinear and
 * DequantizeLinear, and without what passes have fused that ONNX has no operator for. It computes the same; integer layers within one step of their
 * grids.
 */
export function portable(graph: Graph, activations?: Activations): Graph {
  const channelsFirst = cancelTransposes(inferTypes(turned(graph)));
  return inferTypes(prune(unfuse(withoutGrids(writeBlocks(channelsFirst), activations))));
}

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

/** Transposes around every operator that reads channels last. */
function turned(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.attrs.layout !== "NHWC") return [node];
    const [input, ...others] = node.inputs;
    const [before, after] = [fresh(`${input}.nchw`), fresh(`${node.outputs[0]}.nchw`)];
    return [
      makeNode({ op: "Transpose", name: before, inputs: [input], outputs: [before], attrs: { perm: TO_NCHW } }),
      { ...node, inputs: [before, ...others], outputs: [after], attrs: { ...node.attrs, layout: "NCHW" } },
      makeNode({ op: "Transpose", name: after, inputs: [after], outputs: node.outputs, attrs: { perm: TO_NHWC } }),
    ];
  });
  return { ...graph, nodes };
}
