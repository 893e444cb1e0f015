import { describe, expect, it } from "vitest";
import { writeEpk } from "../../src/format/index.ts";
import { load } from "../../src/run/index.ts";
import { shippedRuntime, TARGETS, type TargetName, writeTarget } from "../../src/targets/index.ts";
import { clipPack } from "../format/sample.ts";

const pack = clipPack();
const packageFor = (target: TargetName) => writeTarget(target, { epk: writeEpk(pack), meta: pack.meta, modelName: "clip" });
const NAMES = Object.keys(TARGETS) as TargetName[];

describe.each(NAMES)("what the package for %s ships besides the model", (target) => {
  it("is the script and the kernels that the model needs, which run it", async () => {
    const files = await packageFor(target);
    const shipped = shippedRuntime(files);
    expect(shipped.map(({ path }) => path)).toEqual(
      expect.arrayContaining([expect.stringMatching(/edgepack\.js$/), expect.stringMatching(/simd\.wasm$/)]),
    );
    for (const { path, bytes, brotli } of shipped) {
      expect(bytes).toBe(new Blob([files.get(path) as BlobPart]).size);
      expect(brotli).toBeLessThan(8000);
      if (!path.endsWith(".wasm")) continue;
      const model = await load(writeEpk(pack), { wasm: files.get(path) as Uint8Array });
      expect(model.run({ x: Float32Array.of(-3, 0, 2, 0, 0, 0, 0, 0.5) }).y).toEqual(Float32Array.of(-1, 0, 1, 0, 0, 0, 0, 0.5));
    }
  });
});
