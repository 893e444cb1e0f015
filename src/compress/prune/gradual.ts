/** Selection in rounds: what is left has made up for what went before weights are judged again. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Moments } from "../moments.ts";
import type { Saliency } from "./criteria.ts";
import type { Mask } from "./mask.ts";
import { reconstruct } from "./reconstruct.ts";
import { type SelectOptions, select } from "./select.ts";

/** Weights by what they are worth, judged anew in each round. */
export type Criterion = (graph: Graph, moments: ReadonlyMap<Node, Moments>) => Saliency;

const ROUNDS = 4;

/**
 * A share of the weights is removed in rounds, fewer in each, and the kept ones are refitted after each: criteria judge weights one by one, and do not know that two which make up for
 * each other must not both go. The graph is the reconstruction of the given one by the mask, whatever the rounds, since each is a projection onto fewer weights. Weights that are 0 already
 * are the first to go. Throws RangeError as `select` does.
 */
export function pruneGradually(
  graph: Graph,
  criterion: Criterion,
  { share }: { readonly share: number },
  moments: ReadonlyMap<Node, Moments>,
  options: SelectOptions & { readonly rounds?: number } = {},
): { readonly graph: Graph; readonly mask: Mask } {
  const { rounds = ROUNDS } = options;
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`${rounds} is no number of rounds`);
  let current = graph;
  let mask: Mask = new Map();
  for (let round = 1; round <= rounds; round++) {
    mask = select(current, criterion(current, moments), { share: share * (1 - (1 - round / rounds) ** 2) }, options);
    current = reconstruct(current, mask, moments);
  }
  return { graph: current, mask };
}
