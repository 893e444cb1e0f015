/** Out to other engines. */
import type { Graph } from "./graph/graph.ts";
import { writeOnnx } from "./onnx/index.ts";
import { portable } from "./passes/portable.ts";

/**
 * The graph of a build as ONNX of opset 17: int8 as pairs of QuantizeLinear and DequantizeLinear, weights as int8 with a scale for each output channel.
 * Other engines give the same answers within one step of each grid. Throws ONNX_UNSUPPORTED with every node that ONNX has no form for.
 */
export function exportOnnx(graph: Graph): Uint8Array {
  return writeOnnx(portable(graph));
}
