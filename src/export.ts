/** Out to other engines. */
import type { Graph } from "./graph/graph.ts";
import { writeOnnx } from "./onnx/index.ts";
import { portable } from "./passes/portable.ts";
import type { Activations } from "./passes/without-grids.ts";

export interface ExportOptions {
  /**
   * Type of the integers of activations; `i8` by default. The values are the same. onnxruntime-web runs `u8` several times as fast; native engines
   * without a dot product of 8-bit integers may saturate on it.
   */
  readonly activations?: Activations;
}

/**
 * The graph of a build as ONNX of opset 17: int8 as pairs of QuantizeLinear and DequantizeLinear, weights as int8 with a scale for each output channel.
 * Other engines give the same answers within one step of each grid. Throws ONNX_UNSUPPORTED with every node that ONNX has no form for.
 */
export function exportOnnx(graph: Graph, { activations }: ExportOptions = {}): Uint8Array {
  return writeOnnx(portable(graph, activations));
}
