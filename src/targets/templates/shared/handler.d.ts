import type { Model } from "./edgepack.js";

/** Answers one request: GET describes the model, POST runs it on raw bytes or JSON. `load` is called for every request. */
export declare function handle(request: Request, load: () => Promise<Model>): Promise<Response>;
