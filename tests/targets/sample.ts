/** A model of two ports and a runtime that needs no wasm, so that what targets emit can run anywhere. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Meta } from "../../src/format/image.ts";
import type { Files, TargetInput } from "../../src/targets/index.ts";

export const META: Meta = {
  name: "tiny",
  inputs: [{ name: "image", dtype: "f32", shape: [1, 1, 2, 2], at: 4096, preprocess: { mean: [0.5], std: [0.25], layout: "nchw" } }],
  outputs: [{ name: "logits", dtype: "f32", shape: [1, 3], at: 4112 }],
  labels: ["cat", "dog", "fish"],
  plan: 4096,
  memory: 65536,
  image: 8192,
};

/** `run` gives [sum, −sum, 0] of what it is handed. */
const BODY = `
  class EdgepackError extends Error {
    constructor(code, message) { super(message); this.code = code; this.problems = []; }
  }
  const topK = (values, k, labels) => Array.from(values, (score, index) => ({ index, label: labels?.[index], score }))
    .sort((a, b) => b.score - a.score).slice(0, k);
  const load = async (pack, { wasm } = {}) => ({
    ...${JSON.stringify(META)}, pack, wasm,
    run(inputs) {
      if (!inputs.image) throw new EdgepackError("INPUT_INVALID", "no input is called " + Object.keys(inputs).join(", "));
      const sum = inputs.image.reduce((a, b) => a + b, 0);
      return { logits: Float32Array.of(sum, -sum, 0) };
    },
  });
`;

/** The smallest wasm module: magic and version. */
const EMPTY_WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

export const SAMPLE: TargetInput = {
  epk: Uint8Array.of(1, 2, 3, 250),
  meta: META,
  modelName: "Tiny Model",
  runtime: {
    module: `${BODY}\nexport { EdgepackError, load, topK };\n`,
    classic: `var edgepackRuntime = (() => {${BODY}; return { EdgepackError, load, topK }; })();`,
    simd: EMPTY_WASM,
    scalar: EMPTY_WASM,
  },
};

/** Writes a package to a folder of its own, hands it to `use`, and removes it. */
export async function withFolder<T>(files: Files, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "edgepack-target-"));
  try {
    for (const [path, data] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), data);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
