import { prune } from "../graph/edit.ts";
import type { Graph } from "../graph/graph.ts";
import { absorbTranspose } from "./absorb-transpose.ts";
import { decompose } from "./decompose.ts";
import { eliminate } from "./eliminate.ts";
import { fold } from "./fold.ts";
import { fuseActivation } from "./fuse-activation.ts";
import { fuseAffine } from "./fuse-affine.ts";
import { fuseAffineAhead } from "./fuse-affine-ahead.ts";
import { fuseAttention } from "./fuse-attention.ts";
import { fuseDynamicQuantize } from "./fuse-dynamic-quantize.ts";
import { fuseFunctions } from "./fuse-functions.ts";
import { fusePad } from "./fuse-pad.ts";
import { gemmToMatmul } from "./gemm-to-matmul.ts";
import { integerIslands } from "./integer-islands.ts";
import { kernelAxes } from "./kernel-axes.ts";
import { layout } from "./layout.ts";
import { share } from "./share.ts";
import { splitBatchnorm } from "./split-batchnorm.ts";
import { subgraphs } from "./subgraphs.ts";

export type Pass = (graph: Graph) => Graph;

/** All passes in the order in which they run; each is a pure step, and each leaves a graph that verifies. */
export const PASSES: readonly (readonly [name: string, pass: Pass])[] = [
  ["fold", fold],
  ["dead-code", prune],
  ["eliminate", eliminate],
  ["share", share],
  ["fuse-dynamic-quantize", fuseDynamicQuantize],
  // While convolutions of any number of axes are whole.
  ["fuse-pad", fusePad],
  ["fuse-affine", fuseAffine],
  ["decompose", decompose],
  ["eliminate", eliminate],
  ["fuse-functions", fuseFunctions],
  ["fuse-attention", fuseAttention],
  ["gemm-to-matmul", gemmToMatmul],
  ["fuse-affine", fuseAffine],
  ["split-batchnorm", splitBatchnorm],
  ["fuse-affine-ahead", fuseAffineAhead],
  ["fuse-activation", fuseActivation],
  ["layout", layout],
  ["kernel-axes", kernelAxes],
  ["eliminate", eliminate],
  ["absorb-transpose", absorbTranspose],
  ["fold", fold],
  ["eliminate", eliminate],
  ["integer-islands", integerIslands],
  // Last, when it is settled what subgraphs are given.
  ["subgraphs", (graph) => subgraphs(graph, optimize)],
];

/**
 * The f32 graph that plans are made from: constants folded, operators fused, images in NHWC. `onPass` sees the graph after each pass.
 * Throws GRAPH_INVALID where nodes do not fit their inputs.
 */
export function optimize(graph: Graph, onPass?: (name: string, graph: Graph) => void): Graph {
  let current = graph;
  for (const [name, pass] of PASSES) {
    current = pass(current);
    onPass?.(name, current);
  }
  return current;
}
