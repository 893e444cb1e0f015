import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { build, load, openDataset } from "../../src/index.ts";
import { edgepack, FASHION_MNIST, modelPath, withFolder } from "./edgepack.ts";

const PREPROCESS = ["--mean", "0.2860", "--std", "0.3530"];

/** Points of top-1 that int8 may lose, on 10,000 test images. */
const MOST_DROP = 0.3;

interface Reference {
  readonly top1: number;
  readonly logits16: readonly (readonly number[])[];
}

const referenceOf = (name: string): Reference => JSON.parse(readFileSync(new URL(`./models/${name}.json`, import.meta.url), "utf8"));

async function top1(name: string, ...options: string[]): Promise<number> {
  return withFolder(async (folder) => {
    const epk = join(folder, `${name}.epk`);
    await edgepack("build", modelPath(name), ...PREPROCESS, ...options, "-o", epk);
    const result = await edgepack("eval", epk, "--data", FASHION_MNIST);
    expect(result.count).toBe(10000);
    return result.top1;
  });
}

for (const name of ["dscnn", "lenet300", "lenet5", "resnet8", "resnet20", "vit"]) {
  describe(name, () => {
    const reference = referenceOf(name);

    it("f32: top-1 within 2 of 10,000 images of PyTorch's", async () => {
      const actual = await top1(name, "--weights", "f32");
      expect(Math.abs(actual - reference.top1)).toBeLessThanOrEqual(0.02 + 1e-9);
    });

    it("f32: logits of the first 16 test images within 1e-4 of PyTorch's", async () => {
      const preprocess = { mean: [0.286], std: [0.353], layout: "nchw" as const };
      const { epk, meta } = await build(readFileSync(modelPath(name)), { weights: "f32", preprocess });
      const data = await openDataset(FASHION_MNIST, { part: "test", inputs: meta.inputs });
      using model = await load(epk);
      for (const [i, logits] of reference.logits16.entries()) {
        const [actual] = Object.values(model.run(await data.item(i)));
        logits.forEach((logit, k) => {
          expect(Math.abs(actual[k] - logit), `logit ${k} of image ${i}`).toBeLessThanOrEqual(1e-4);
        });
      }
    });

    it(`int8, static: at most ${MOST_DROP} points below f32`, async () => {
      const actual = await top1(name, "--calibration", FASHION_MNIST);
      expect(reference.top1 - actual).toBeLessThanOrEqual(MOST_DROP);
    });

    it(`int8, dynamic: at most ${MOST_DROP} points below f32`, async () => {
      const actual = await top1(name);
      expect(reference.top1 - actual).toBeLessThanOrEqual(MOST_DROP);
    });
  });
}
