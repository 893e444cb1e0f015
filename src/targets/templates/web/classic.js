// {{name}} for webviews and file://: the runtime, its kernels and the model in one classic script, written by edgepack.
// Sets edgepackModels["{{slug}}"] = { load, topK, EdgepackError }. Under a CSP it needs 'wasm-unsafe-eval' and nothing else.
(() => {
  "{{runtime}}";
  const { load, topK, EdgepackError } = edgepackRuntime;

  /** @param {string} base64 */
  const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  /** Loads this script's model; every call gives one of its own, with memory of its own. */
  const loadThis = () => load(bytes("{{model}}"), { wasm: { simd: bytes("{{simd}}"), scalar: bytes("{{scalar}}") } });

  globalThis.edgepackModels = { ...globalThis.edgepackModels, "{{slug}}": { load: loadThis, topK, EdgepackError } };
})();
