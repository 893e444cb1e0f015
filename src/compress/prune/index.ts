/** Pruning: masks, the criteria and patterns by which they are chosen, and what makes up for removed weights. All work on the optimized graph. */

export { type Budget, type ChannelOptions, channelMask, selectChannels } from "./channels.ts";
export { type Coupling, coupleChannels, type End } from "./coupling.ts";
export { magnitude, type Saliency, surgeon, taylor, wanda } from "./criteria.ts";
export { removeDeadChannels } from "./dead.ts";
export { type Criterion, pruneGradually } from "./gradual.ts";
export { isDepthwise, type PrunedWeights, prunedWeights } from "./layers.ts";
export { applyMask, checkMask, combineMasks, inspectMask, invertMask, type Mask, type MaskedTensor, maskOfZeros } from "./mask.ts";
export { encodeMask, loadMask, saveMask } from "./mask-file.ts";
export { BLOCK_SHAPE, type Pattern } from "./patterns.ts";
export { reconstruct } from "./reconstruct.ts";
export { type Amount, type SelectOptions, select } from "./select.ts";
