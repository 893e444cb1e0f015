/**
 * How long an inference will about take, before anything has run: multiply-accumulates and elements over rates that were measured. Good to a factor of
 * two; `edgepack eval` measures.
 */
import { macsOf } from "../compress/report.ts";
import type { Graph } from "../graph/graph.ts";
import type { Plan } from "../plan/plan.ts";
import type { TargetName } from "../targets/index.ts";
import { elementCount } from "../tensor/index.ts";
import { readRecords } from "./records.ts";

/** Multiply-accumulates a second of the kernels that have any, as nets reach them; one thread of a server core of 2026, Node 20, 2026-11. */
const MACS: Readonly<Record<string, number>> = {
  f32_gemm: 28e9,
  f32_conv: 26e9,
  f32_dwconv: 6e9,
  qs8_gemm: 48e9,
  qs8_conv: 45e9,
  qs8_dwconv: 14e9,
};

/** Of kernels that are missing above. */
const OTHER_MACS = 1e9;

/** Elements a second of everything else: activations, additions, moves. */
const ELEMENTS = { f32: 1.2e9, i8: 4e9 } as const;

/** Seconds that each record of a plan takes to begin. */
const RECORD = 80e-9;

/** How fast targets are beside the machine that the rates come from, as far as one can say without running there. */
export const TARGET_SPEED: Readonly<Record<TargetName, { readonly factor: number; readonly assumed: string }>> = {
  cloudflare: { factor: 0.7, assumed: "a shared server core" },
  deno: { factor: 1, assumed: "a server core" },
  web: { factor: 0.4, assumed: "a mid-range phone" },
  node: { factor: 1, assumed: "a server core" },
};

/** Milliseconds of one inference at a factor of 1. */
export function estimateMs(graph: Graph, plan: Plan): number {
  const [words] = plan.pack.regions;
  const records = readRecords(words.data as Int32Array);
  const products = records.reduce((sum, { op, macs }) => sum + macs / (MACS[op] ?? OTHER_MACS), 0);
  const elements = graph.nodes.reduce((sum, node) => {
    const type = graph.types.get(node.outputs[0]);
    // What follows from constants alone is done as the pack is loaded.
    const runs = node.inputs.some((input) => input !== "" && !graph.constants.has(input));
    if (!type || !runs || macsOf(node, graph) > 0) return sum;
    return sum + elementCount(type.shape) / ELEMENTS[type.dtype === "i8" ? "i8" : "f32"];
  }, 0);
  return 1000 * (products + elements + records.length * RECORD);
}
