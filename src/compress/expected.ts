/** What a run will cost, said before it begins. */
import { planGraph } from "../plan/plan.ts";
import { elementCount } from "../tensor/index.ts";
import { realValues } from "./calibrate.ts";
import { layerView } from "./layer-view.ts";
import { blocksOf } from "./moments.ts";
import { linearLayers } from "./quantize.ts";
import type { CheckedStep } from "./recipe.ts";
import { totalMacs } from "./report.ts";
import type { Context } from "./state.ts";
import { stepOf } from "./steps/index.ts";

export interface Estimate {
  /** Rough: within a factor of about three. */
  readonly seconds: number;
  /** Of memory, beyond what Node itself takes. */
  readonly bytes: number;
}

/** Multiply-accumulates a second of the f32 kernels, and elements a second of what looks at values here. */
const MACS_PER_SECOND = 1.5e10;
const ELEMENTS_PER_SECOND = 2e8;

export async function estimateOf(steps: readonly CheckedStep[], { reference, calibration, validation }: Context): Promise<Estimate> {
  const values = realValues(reference);
  const elements = values.reduce((sum, value) => sum + elementCount(reference.types.get(value)!.shape), 0);
  const macs = totalMacs(reference);
  const perInference = macs / MACS_PER_SECOND + elements / ELEMENTS_PER_SECOND;
  const sizes = { items: calibration.indices.length, validation: (validation ?? calibration).indices.length, values: values.length };
  const inferences = steps.reduce((sum, { step, options }) => sum + stepOf(step).inferences(options, sizes), 0);
  // Cholesky factors of moments, and a product with them for each output.
  let [flops, matrices] = [0, 0];
  for (const node of linearLayers(reference).keys()) {
    const view = layerView(reference, node);
    if (!view) continue;
    for (const { length } of blocksOf(view.k)) {
      flops += view.groups * length ** 3 * 0.3 + view.outputs * length ** 2 * 0.5;
      matrices += view.groups * length ** 2;
    }
  }
  const { memory } = planGraph(reference).pack.meta;
  return { seconds: 1 + inferences * perInference + flops / 1e9, bytes: 3 * memory + 8 * elements + 3 * 8 * matrices };
}
