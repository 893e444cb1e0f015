import { symlinkSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type OpenOptions, openDataset } from "../../src/data/index.ts";
import { file, folder, grayPng, wav16 } from "./files.ts";

const inputs: OpenOptions["inputs"] = [{ name: "x", shape: [1, 2] }];
const open = (path: string, options: Partial<OpenOptions> = {}) => openDataset(path, { part: "test", inputs, ...options });
const refused = (reason: RegExp) => expect.objectContaining({ code: "DATA_INVALID", message: expect.stringMatching(reason) });

describe("CSV", () => {
  it("makes a vector of all columns but the label's, whose names are classes", async () => {
    const dataset = await open(file("a.csv", "a,label,b\n1,no,2.5\n-3,yes,1e2\n"));
    expect(dataset).toMatchObject({ count: 2, kind: "values", labels: Int32Array.of(0, 1), classes: ["no", "yes"] });
    expect(await dataset.item(0)).toEqual({ x: Float32Array.of(1, 2.5) });
    expect(await dataset.item(1)).toEqual({ x: Float32Array.of(-3, 100) });
  });
  it.each([
    ["a byte order mark", "\uFEFFa,b,y\r\n1,2,1\r\n"],
    ["semicolons", "a;b;class\n1;2;1\n"],
    ["tabs", "a\tb\ty\n1\t2\t1\n"],
    ["quotes and blanks", '"a", "b",label\n"1", 2 ,1\n\n'],
  ])("takes %s", async (_, text) => {
    const dataset = await open(file("a.csv", text));
    expect(dataset.labels).toEqual(Int32Array.of(1));
    expect(await dataset.item(0)).toEqual({ x: Float32Array.of(1, 2) });
  });
  it("takes a packed file without a header, whose columns are numbered", async () => {
    const dataset = await open(file("a.csv.gz", gzipSync("1,x,2,<=50K\n3,y,4,>50K\n")), { columns: ["2", "0"], labelColumn: "3" });
    expect(dataset.classes).toEqual(["<=50K", ">50K"]);
    expect(await dataset.item(1)).toEqual({ x: Float32Array.of(4, 3) });
  });
  it("feeds inputs from the columns of their names", async () => {
    const two = [
      { name: "ids", shape: [1], dtype: "i32" as const },
      { name: "x", shape: [1, 1] },
    ];
    const dataset = await open(file("a.csv", "x,other,ids\n1.5,z,7\n"), { inputs: two });
    expect(await dataset.item(0)).toEqual({ ids: Int32Array.of(7), x: Float32Array.of(1.5) });
  });
  it("numbers classes by the model's labels", async () => {
    expect((await open(file("a.csv", "a,b,label\n1,2,no\n1,2,yes\n"), { labels: ["yes", "no"] })).labels).toEqual(Int32Array.of(1, 0));
  });
  it("holds −1 for a label that is missing, and none where a column of a usual name holds no classes", async () => {
    expect((await open(file("a.csv", "a,b,y\n1,2,\n1,2,4\n"))).labels).toEqual(Int32Array.of(-1, 4));
    expect((await open(file("a.csv", "a,b,y\n1,2,0.5\n"))).labels).toBeUndefined();
  });
  it("names a cell that is missing or no number when its row is read", async () => {
    const dataset = await open(file("a.csv", "a,b\n1,2\n,2\n1,?\n1\n"));
    await expect(dataset.item(1)).rejects.toEqual(refused(/a\.csv: row 3: its a is missing/));
    await expect(dataset.item(2)).rejects.toEqual(refused(/row 4: its b is "\?"/));
    await expect(dataset.item(3)).rejects.toEqual(refused(/row 5 has 1 cells/));
  });
  it.each([
    ["columns of texts, all named", "a,b,c\nx,1,y\n", {}, /hold texts: a, c\..*--columns/],
    ["columns that are not there", "a,b\n1,2\n", { columns: ["c"] }, /no column c; its columns are: a, b/],
    ["a label column that holds no classes", "a,b\n1,0.5\n", { labelColumn: "b" }, /row 2: its b is 0\.5/],
    [
      "texts in more columns than anyone reads",
      `${Array.from({ length: 40 }, (_, i) => `c${i}`).join()}\n${"x,".repeat(39)}x\n`,
      {},
      /c29 and 10 more\./,
    ],
    ["names that occur twice", "a,a\n1,2\n", {}, /one name: a/],
    ["a header alone", "a,b\n", {}, /no rows/],
    ["nothing", "", {}, /no rows/],
    ["a quote that never ends", 'a,b\n"1,2\n', {}, /not a readable CSV/],
    ["inputs without a column", "a,b\n1,2\n", { inputs: [inputs[0], { name: "z", shape: [1] }] }, /inputs x, z/],
  ])("refuses %s", async (_, text, options, reason) => {
    await expect(open(file("a.csv", text), options)).rejects.toEqual(refused(reason));
  });
  it("refuses a row of another length than the input's, and values that do not fit it", async () => {
    await expect((await open(file("a.csv", "a,b,c\n1,2,3\n"))).item(0)).rejects.toEqual(refused(/3 values for input x, which takes 2/));
    const bytes = await open(file("a.csv", "a,b\n1,256\n"), { inputs: [{ ...inputs[0], dtype: "u8" }] });
    await expect(bytes.item(0)).rejects.toEqual(refused(/row 2.*do not fit u8.*256/));
  });
});

describe("JSON Lines", () => {
  const tokens: OpenOptions["inputs"] = [
    { name: "ids", shape: [1, 3], dtype: "i32" },
    { name: "mask", shape: [1, 3], dtype: "i32" },
  ];

  it("takes lists of token ids by the inputs' names", async () => {
    const dataset = await open(
      file("a.jsonl", '{"ids":[5,6,0],"mask":[1,1,0],"label":"pos"}\n\n{"mask":[1,1,1],"ids":[[7,8,9]],"label":"neg"}'),
      {
        inputs: tokens,
      },
    );
    expect(dataset).toMatchObject({ labels: Int32Array.of(1, 0), classes: ["neg", "pos"] });
    expect(await dataset.item(1)).toEqual({ ids: Int32Array.of(7, 8, 9), mask: Int32Array.of(1, 1, 1) });
  });
  it("takes lists, and truth as 1", async () => {
    expect(await (await open(file("a.jsonl", "[3, true]"))).item(0)).toEqual({ x: Float32Array.of(3, 1) });
  });
  it("leaves a line that cannot be read to its item", async () => {
    const dataset = await open(file("a.jsonl", '{"x":[1,2],"y":0}\n{"x":[1,\n{"x":{"a":1}}\n{"x":[1,2,3],"y":1}\n'));
    expect(dataset.labels).toEqual(Int32Array.of(0, -1, -1, 1));
    await expect(dataset.item(1)).rejects.toEqual(refused(/a\.jsonl: line 2: /));
    await expect(dataset.item(2)).rejects.toEqual(refused(/line 3: its x is neither/));
    await expect(dataset.item(3)).rejects.toEqual(refused(/line 4 has 3 values/));
  });
  it("says that text needs a tokenizer", async () => {
    await expect(open(file("a.jsonl", '{"text":"good","label":1}'))).rejects.toEqual(refused(/texts: text\..*no tokenizer/));
    await expect(open(file("a.txt", "good"))).rejects.toEqual(refused(/tokenizer.*token ids as \.jsonl/));
  });
  it.each([
    ["nothing", "", /no lines/],
    ["no line that can be read", "hello\n", /line 1: /],
  ])("refuses %s", async (_, text, reason) => {
    await expect(open(file("a.jsonl", text))).rejects.toEqual(refused(reason));
  });
});

describe("a CSV of files", () => {
  const image: OpenOptions["inputs"] = [{ name: "x", shape: [1, 1, 1, 1] }];
  const images = { "imgs/a.png": grayPng(1, 1, 255), "imgs/b.png": grayPng(1, 1, 0) };

  it.each([
    ["inside the folder", "imgs", { "imgs/labels.csv": "file,label\nb.png,cat\na.png,dog\n" }],
    ["beside the folder", "imgs", { "imgs.csv": "b.png,cat\na.png,dog\n" }],
    ["given itself, beside the folder of its name", "imgs.csv", { "imgs.csv": "name,kind\nb.png,cat\na.png,dog\n" }],
    ["given itself, with paths from its own folder", "all.csv", { "all.csv": "imgs/b.png,cat\nimgs/a.png,dog\n" }],
  ])("says the classes: %s", async (_, path, listing) => {
    const dataset = await open(`${folder({ ...images, ...listing })}/${path}`, { inputs: image });
    expect(dataset).toMatchObject({ count: 2, kind: "images", labels: Int32Array.of(0, 1), classes: ["cat", "dog"] });
    expect((await dataset.item(1)).x).toEqual(Float32Array.of(1));
  });
  it("lists recordings", async () => {
    const path = folder({ "a.wav": wav16([1, 0]), "list.csv": "a.wav,3\n" });
    expect(await open(path)).toMatchObject({ kind: "sound", labels: Int32Array.of(3) });
  });
  it("passes over tables of other things, and refuses several that name files", async () => {
    const listing = { ...images, "imgs/labels.csv": "a.png,cat\nb.png,dog\n" };
    expect((await open(`${folder({ ...listing, "imgs/sizes.csv": "width,height\n1,1\n" })}/imgs`, { inputs: image })).labels).toHaveLength(
      2,
    );
    const path = `${folder({ ...listing, "imgs.csv": "a.png,cat\n" })}/imgs`;
    await expect(open(path, { inputs: image })).rejects.toEqual(refused(/several tables name its files: .*labels\.csv, .*imgs\.csv/));
  });
  it("follows links that lie in the folder", async () => {
    const path = folder({ "kept/a.png": grayPng(1, 1, 255), "imgs/l.csv": "a.png,1\n" });
    symlinkSync(`${path}/kept/a.png`, `${path}/imgs/a.png`);
    expect((await (await open(`${path}/imgs`, { inputs: image })).item(0)).x).toEqual(Float32Array.of(1));
  });
  it("names all files that are missing or lie outside the folder", async () => {
    const path = folder({ ...images, "out.png": grayPng(1, 1, 1), "imgs/l.csv": "a.png,1\ngone.png,1\n../out.png,1\n" });
    await expect(open(`${path}/imgs`, { inputs: image })).rejects.toEqual(refused(/row 2: gone\.png\n.*row 3: \.\.\/out\.png/));
  });
});
