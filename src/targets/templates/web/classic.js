// {{name}} for webviews and file://: the runtime, its kernels and the model in one classic script, written by edgepack.
// Sets edgepackModels["{{slug}}"] = { load, topK, EdgepackError }. Under a CSP it needs 'wasm-unsafe-eval' and nothing else.
(() => {
  "{{runtime}}";
  const { load, topK, EdgepackError } = edgepackRuntime;

  /** @param {string} base64 */
  const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  /** Loads this script's model; every call gives one of its own, with memory of its own. */
  async function loadThis() {
    const simd = bytes("{{simd}}");
    const kernels = WebAssembly.validate(simd) ? simd : bytes("{{scalar}}");
    return await load(bytes("{{model}}"), { wasm: await WebAssembly.compile(kernels) });
  }

  globalThis.edgepackModels = { ...globalThis.edgepackModels, "{{slug}}": { load: loadThis, topK, EdgepackError } };
})();
