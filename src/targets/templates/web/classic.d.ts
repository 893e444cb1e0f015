import type { EdgepackError, topK } from "./edgepack.js";
import type { ThisModel } from "./model.js";

declare global {
  /** Filled by every `model.iife.js` on the page, under the name of its model. */
  var edgepackModels: Record<string, unknown> & {
    "{{slug}}": { load(): Promise<ThisModel>; topK: typeof topK; EdgepackError: typeof EdgepackError };
  };
}
