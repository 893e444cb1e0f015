import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/index.ts";

const example = (name: string) => fileURLToPath(new URL(`../../examples/fashion-mnist/${name}`, import.meta.url));
const input = { name: "image", shape: [1, 1, 28, 28], preprocess: { mean: [0.286], std: [0.353], layout: "nchw" as const } };
const open = (part: "train" | "test", name = "slice") => openDataset(example(name), { part, inputs: [input] });

describe("examples/fashion-mnist", () => {
  it("holds 1,000 test images", async () => {
    const test = await open("test");
    expect(test.count).toBe(1000);
    expect([...test.labels!.subarray(0, 8)]).toEqual([9, 2, 1, 1, 6, 1, 4, 6]);
  });
  it("holds 512 training images, 51 or 52 of each class", async () => {
    const train = await open("train");
    expect(train.count).toBe(512);
    const perClass = new Array(10).fill(0);
    for (const label of train.labels!) perClass[label]++;
    expect(perClass).toEqual([52, 52, 51, 51, 51, 51, 51, 51, 51, 51]);
  });
  it("holds the first ankle boot of the test images as PNG", async () => {
    const [png, test] = [await open("test", "images/ankle-boot.png"), await open("test")];
    expect(await png.item(0)).toEqual(await test.item(0));
  });
});
