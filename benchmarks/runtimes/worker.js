// Runs inside workerd, where no clock runs on while code does: a request runs one pack `n` times, and who asks takes the time.
import { load } from "./edgepack.js";
import NETS from "./nets.js";
import wasm from "./simd.wasm";

const models = new Map();

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    const name = searchParams.get("pack");
    const { pack, input, shape } = NETS[name];
    const inputs = { [input]: Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i)) };
    const model = models.get(name) ?? (await load(pack, { wasm }));
    models.set(name, model);
    for (let n = Number(searchParams.get("n")); n > 0; n--) model.run(inputs);
    return new Response("done");
  },
};
