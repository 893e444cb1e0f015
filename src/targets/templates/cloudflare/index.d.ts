import type { ThisModel } from "./model.js";

/** The model, for code of your own in this Worker: `(await getModel()).run({ … })`. */
export declare function getModel(): Promise<ThisModel>;

declare const worker: { fetch(request: Request): Promise<Response> };
export default worker;
