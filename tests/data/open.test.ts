import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { encode as encodeJpeg } from "jpeg-js";
import { describe, expect, it } from "vitest";
import { type Dataset, type OpenOptions, openDataset, readItems } from "../../src/data/index.ts";
import { file, folder, grayPng, idx, npy } from "./files.ts";

const image: OpenOptions["inputs"][number] = {
  name: "image",
  shape: [1, 1, 2, 2],
  preprocess: { mean: [0.5], std: [0.5], layout: "nchw" },
};
const open = (path: string, options: Partial<OpenOptions> = {}) => openDataset(path, { part: "test", inputs: [image], ...options });
const refused = (reason: RegExp) => expect.objectContaining({ code: "DATA_INVALID", message: expect.stringMatching(reason) });
const all = async (dataset: Dataset) => {
  const items = [];
  for await (const item of readItems(
    dataset,
    Array.from({ length: dataset.count }, (_, i) => i),
  ))
    items.push(item);
  return items;
};

describe("idx", () => {
  const images = idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const labels = idx([2], [9, 3]);
  const usual = {
    "t10k-images-idx3-ubyte.gz": gzipSync(images),
    "t10k-labels-idx1-ubyte": labels,
    "train-images-idx3-ubyte": idx([1, 2, 2], [9, 9, 9, 9]),
  };

  it("takes the part asked for from a folder with the usual names, packed or not, and the labels beside", async () => {
    const path = folder(usual);
    const test = await open(path);
    expect(test.labels).toEqual(Int32Array.of(9, 3));
    expect(await all(test)).toEqual([{ image: Uint8Array.of(1, 2, 3, 4) }, { image: Uint8Array.of(5, 6, 7, 8) }]);
    const train = await open(path, { part: "train" });
    expect(train).toMatchObject({ count: 1, labels: undefined });
  });
  it("takes a single file by its bytes, whatever its name", async () => {
    expect(await all(await open(file("digits", images)))).toHaveLength(2);
  });
  it("resizes to the model's input", async () => {
    const dataset = await open(file("images-idx3-ubyte", images), { inputs: [{ ...image, shape: [1, 1, 1, 1] }] });
    expect(await dataset.item(0)).toEqual({ image: Uint8Array.of(3) });
  });
  it("names the part that a folder lacks", async () => {
    await expect(open(folder({ "train-images-idx3-ubyte": images }))).rejects.toEqual(refused(/train part but no test part/));
  });
  it.each([
    ["a count larger than the file", idx([2 ** 31, 2 ** 16, 2 ** 16], [1]), /announces/],
    ["a file larger than its count", idx([1, 2, 2], [1, 2, 3, 4, 5]), /announces/],
    ["a packed file larger than its count", gzipSync(idx([1, 2, 2], new Uint8Array(1e6))), /more than the 20 bytes/],
    ["a packed file smaller than its count", gzipSync(idx([3, 2, 2], [1, 2])), /unpacks to 18/],
    ["a packed file that could never hold its count", gzipSync(idx([2 ** 31, 2 ** 10, 2 ** 10], [1])), /cannot hold/],
    ["a packed file cut off", gzipSync(images).subarray(0, 25), /images/],
    ["elements that are no bytes", idx([1, 2, 2], new Uint8Array(16), 0x0d), /0xd/],
    ["labels in place of images", idx([4], [1, 2, 3, 4]), /1 dimensions/],
    ["no images", idx([0, 2, 2], []), /0×2×2/],
  ])("refuses %s", async (_, bytes, reason) => {
    await expect(open(file("images-idx3-ubyte", bytes))).rejects.toEqual(refused(reason));
  });
  it("refuses labels of another number", async () => {
    const path = folder({ "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": idx([3], [1, 2, 3]) });
    await expect(open(path)).rejects.toEqual(refused(/3 labels for 2 images/));
  });
});

describe("arrays", () => {
  const vector = { name: "x", shape: [1, 3] };
  const x = npy("<f8", [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6));

  it("feeds a .npy to the only input, as f32", async () => {
    expect(await all(await open(file("a.npy", x), { inputs: [vector] }))).toEqual([
      { x: Float32Array.of(1, 2, 3) },
      { x: Float32Array.of(4, 5, 6) },
    ]);
  });
  it("takes an array of just the input's shape as one item", async () => {
    const dataset = await open(file("a.npy", npy("<f4", [1, 3], Float32Array.of(1, 2, 3))), { inputs: [vector] });
    expect(dataset.count).toBe(1);
  });
  it("takes bytes as images where the model carries its preprocessing, gray or RGB, HWC or CHW", async () => {
    const inputs = [{ ...image, shape: [1, 3, 1, 2], preprocess: { mean: [0], std: [1], layout: "nchw" as const } }];
    const raw = { image: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(await all(await open(file("a.npy", npy("|u1", [1, 1, 2, 3], raw.image)), { inputs }))).toEqual([raw]);
    expect(await all(await open(file("a.npy", npy("|u1", [1, 3, 1, 2], Uint8Array.of(1, 4, 2, 5, 3, 6))), { inputs }))).toEqual([raw]);
    const gray = await open(file("a.npy", npy("|u1", [1, 1, 2], Uint8Array.of(7, 8))), { inputs });
    expect(await gray.item(0)).toEqual({ image: Uint8Array.of(7, 7, 7, 8, 8, 8) });
  });
  it("takes bytes as numbers where it does not", async () => {
    const dataset = await open(file("a.npy", npy("|u1", [1, 3], Uint8Array.of(0, 128, 255))), { inputs: [vector] });
    expect(await dataset.item(0)).toEqual({ x: Float32Array.of(0, 128, 255) });
  });

  const npz = (entries: Record<string, Uint8Array>) =>
    file("a.npz", zipSync(Object.fromEntries(Object.entries(entries).map(([name, bytes]) => [`${name}.npy`, bytes]))));
  const y = npy("<i8", [2], BigInt64Array.of(1n, 0n));

  it("takes the array of each input and the labels from an .npz", async () => {
    const ids = npy("<i8", [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n));
    const dataset = await open(npz({ x, ids, labels: y }), { inputs: [vector, { name: "ids", shape: [1, 2], dtype: "i32" }] });
    expect(dataset.labels).toEqual(Int32Array.of(1, 0));
    expect(await dataset.item(1)).toEqual({ x: Float32Array.of(4, 5, 6), ids: Int32Array.of(3, 4) });
  });
  it("takes the only array, whatever its name", async () => {
    expect(await open(npz({ arr_0: x, y }), { inputs: [vector] })).toMatchObject({ count: 2, labels: Int32Array.of(1, 0) });
  });
  it("takes the part asked for from Keras's names", async () => {
    const one = npy("<f4", [1, 3], Float32Array.of(9, 9, 9));
    const path = npz({ x_train: x, y_train: y, x_test: one, y_test: npy("<i8", [1], BigInt64Array.of(5n)) });
    expect(await open(path, { inputs: [vector] })).toMatchObject({ count: 1, labels: Int32Array.of(5) });
    expect(await open(path, { inputs: [vector], part: "train" })).toMatchObject({ count: 2 });
  });
  it("names the arrays that are there where the one wanted is not", async () => {
    await expect(open(npz({ a: x, b: x }), { inputs: [vector] })).rejects.toEqual(refused(/input x; its arrays are: a, b/));
  });
  it.each([
    ["another shape", { x: npy("<f4", [2, 4], new Float32Array(8)) }, /\[2,4\]/],
    ["labels of another number", { x, y: npy("<i4", [3], new Int32Array(3)) }, /3 for 2/],
    ["labels below 0", { x, y: npy("<i4", [2], Int32Array.of(-1, 0)) }, /below 0/],
    ["labels that are floats", { x, y: npy("<f4", [2], new Float32Array(2)) }, /floats/],
    ["no items", { x: npy("<f4", [0, 3], new Float32Array(0)) }, /no items/],
    ["a damaged array, named within its file", { x: x.subarray(0, 130) }, /a\.npz:x\.npy/],
  ])("refuses %s", async (_, entries, reason) => {
    await expect(open(npz(entries), { inputs: [vector] })).rejects.toEqual(refused(reason));
  });
  it("refuses floats, and integers out of range, for an integer input", async () => {
    const inputs = [{ name: "x", shape: [1, 3], dtype: "i32" as const }];
    await expect(open(file("a.npy", x), { inputs })).rejects.toEqual(refused(/floats/));
    const big = npy("<i8", [1, 3], BigInt64Array.of(0n, 0n, 2n ** 40n));
    await expect(open(file("a.npy", big), { inputs })).rejects.toEqual(refused(/do not fit i32/));
  });
  it("refuses a zip that announces more than it can hold, before it unpacks", async () => {
    const bytes = zipSync({ "x.npy": new Uint8Array(1000) });
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at + 28 < bytes.length; at++) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 2 ** 30, true);
    await expect(open(file("a.npz", bytes), { inputs: [vector] })).rejects.toEqual(refused(/announces 1073741824 bytes/));
  });
  it("refuses a damaged zip", async () => {
    await expect(open(file("a.npz", zipSync({ "x.npy": x }).subarray(0, 90)), { inputs: [vector] })).rejects.toEqual(
      refused(/not a readable \.npz/),
    );
  });
});

describe("images", () => {
  it("takes one image", async () => {
    const dataset = await open(file("photo", grayPng(2, 2, 7)));
    expect(await all(dataset)).toEqual([{ image: Uint8Array.of(7, 7, 7, 7) }]);
  });
  it("takes JPEG, gray by luma, within what its compression loses", async () => {
    const data = new Uint8Array(16 * 16 * 4).map((_, i) => [200, 100, 50, 255][i % 4]);
    const { data: bytes } = encodeJpeg({ width: 16, height: 16, data }, 95);
    const [item] = await all(await open(file("a.jpg", bytes)));
    for (const v of item.image) expect(Math.abs(v - (0.299 * 200 + 0.587 * 100 + 0.114 * 50))).toBeLessThan(4);
  });
  it("takes a flat folder in the order of names and passes over other files", async () => {
    const path = folder({ "b.png": grayPng(2, 2, 2), "a.PNG": grayPng(2, 2, 1), "notes.txt": "hello", ".hidden.png": "no" });
    expect((await all(await open(path))).map(({ image: [v] }) => v)).toEqual([1, 2]);
  });
  it("takes a folder for each class, numbered in the order of names", async () => {
    const dataset = await open(folder({ "dog/1.png": grayPng(1, 1, 0), "cat/1.png": grayPng(1, 1, 0), "cat/2.png": grayPng(1, 1, 0) }));
    expect(dataset).toMatchObject({ labels: Int32Array.of(0, 0, 1), classes: ["cat", "dog"] });
  });
  it("numbers class folders by the model's labels, or by their own numbers", async () => {
    const byName = await open(folder({ "cat/1.png": grayPng(1, 1, 0), "dog/1.png": grayPng(1, 1, 0) }), { labels: ["dog", "bird", "cat"] });
    expect(byName.labels).toEqual(Int32Array.of(2, 0));
    const byNumber = await open(folder({ "2/1.png": grayPng(1, 1, 0), "10/1.png": grayPng(1, 1, 0) }));
    expect(byNumber.labels).toEqual(Int32Array.of(10, 2));
  });
  it("takes the part asked for from train and test folders", async () => {
    const path = folder({ "train/a/1.png": grayPng(1, 1, 1), "test/a/1.png": grayPng(1, 1, 2), "test/b/1.png": grayPng(1, 1, 2) });
    expect((await open(path)).count).toBe(2);
    expect((await open(path, { part: "train" })).count).toBe(1);
  });
  it("names all files that are no images", async () => {
    const path = folder({ "a.png": "not", "b.png": grayPng(1, 1, 1), "c.jpg": "an image" });
    await expect(open(path)).rejects.toEqual(refused(/a\.png\n.*c\.jpg/));
  });
  it("names all images that turn out damaged, and yields none after the first", async () => {
    const bad = grayPng(2, 2, 3).subarray(0, 40);
    const dataset = await open(folder({ "1.png": grayPng(2, 2, 1), "2.png": bad, "3.png": grayPng(2, 2, 1), "4.png": bad }));
    const seen: unknown[] = [];
    const read = async () => {
      for await (const item of readItems(dataset, [0, 1, 2, 3])) seen.push(item);
    };
    await expect(read()).rejects.toEqual(refused(/2\.png[^\n]*\n.*4\.png/));
    expect(seen).toHaveLength(1);
  });
  it("refuses a damaged JPEG, every truncation among them", async () => {
    const { data } = encodeJpeg({ width: 8, height: 8, data: new Uint8Array(256).fill(99) }, 50);
    for (let n = 3; n < data.length - 2; n += 7)
      await expect((await open(file("a.jpg", data.subarray(0, n)))).item(0)).rejects.toEqual(refused(/a\.jpg/));
  });
  it("refuses a JPEG that announces more than 64 Mi pixels before it decodes", async () => {
    const { data } = encodeJpeg({ width: 8, height: 8, data: new Uint8Array(256).fill(99) }, 50);
    const sof = data.findIndex((b, i) => b === 0xff && data[i + 1] === 0xc0);
    data.set([0xea, 0x60, 0xea, 0x60], sof + 5);
    await expect((await open(file("a.jpg", data))).item(0)).rejects.toEqual(refused(/a\.jpg.*too large.*64 Mpixel/));
  });
  it("refuses images beside class folders", async () => {
    await expect(open(folder({ "a.png": grayPng(1, 1, 1), "c/b.png": grayPng(1, 1, 1) }))).rejects.toEqual(refused(/both/));
  });
  it("refuses an empty folder", async () => {
    const path = folder({});
    mkdirSync(join(path, "empty"));
    await expect(open(path)).rejects.toEqual(refused(/no images/));
  });
  it("refuses images for a model of several inputs", async () => {
    await expect(open(file("a.png", grayPng(1, 1, 1)), { inputs: [image, { name: "b", shape: [1] }] })).rejects.toEqual(refused(/has 2/));
  });
});

describe("openDataset", () => {
  it("says what it reads where the file is something else", async () => {
    await expect(open(file("a.txt", "hello"))).rejects.toEqual(refused(/\.npy, \.npz, idx/));
    await expect(open(file("empty.npy", ""))).rejects.toEqual(refused(/\.npy, \.npz, idx/));
  });
  it("reports a missing file as FILE", async () => {
    await expect(open(join(folder({}), "gone.npz"))).rejects.toMatchObject({ code: "FILE" });
  });
});
