import { Reduction } from "../../assembly/shared/indexing.ts";
import type { Node } from "../graph/graph.ts";
import type { TensorType } from "../tensor/index.ts";

interface ReductionRow {
  readonly code: Reduction;
  readonly combine: (old: number, update: number) => number;
}

const REDUCTIONS: Readonly<Record<string, ReductionRow>> = {
  none: { code: Reduction.none, combine: (_, update) => update },
  add: { code: Reduction.add, combine: (old, update) => old + update },
  mul: { code: Reduction.mul, combine: (old, update) => old * update },
  min: { code: Reduction.min, combine: Math.min },
  max: { code: Reduction.max, combine: Math.max },
};

/** What a Scatter* node does with values that are there; throws RangeError where it cannot be done with these types. */
export function reductionOf({ attrs }: Node, data: TensorType, updates: TensorType): Reduction {
  const name = attrs.reduction as string;
  if (!Object.hasOwn(REDUCTIONS, name)) throw new RangeError(`reduction "${name}" is not supported`);
  if (data.dtype !== updates.dtype) throw new RangeError(`updates are ${updates.dtype}, data ${data.dtype}`);
  if (name !== "none" && data.dtype === "bool") throw new RangeError(`reduction "${name}" of bool is not supported`);
  return REDUCTIONS[name].code;
}

/** The same as a function of the old value and the update. */
export const reducer = ({ attrs }: Node): ReductionRow["combine"] => REDUCTIONS[attrs.reduction as string].combine;
