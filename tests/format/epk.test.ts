import { describe, expect, it } from "vitest";
import { FileField, SectionField, SectionKind, Status } from "../../assembly/shared/container.ts";
import { readChunks, readContainer, sectionOf, writeChunks, writeContainer } from "../../src/format/container.ts";
import { encodeChunks } from "../../src/format/encode.ts";
import { measureEpk, readEpk, writeEpk } from "../../src/format/index.ts";
import { xxh32 } from "../../src/format/xxh32.ts";
import { VERSION_1, VERSION_2 } from "./golden.ts";
import { clipPack, DISTRIBUTIONS, prunedPack, weightsOf } from "./sample.ts";
import { moduleOf, wasmDecoder } from "./wasm.ts";

const pack = clipPack();
const epk = writeEpk(pack);

/** Changes a file and makes its header's and table's hashes fit again. */
function forged(change: (view: DataView) => void, file = epk): Uint8Array {
  const copy = file.slice();
  const view = new DataView(copy.buffer);
  change(view);
  const table = copy.subarray(FileField.bytes, FileField.bytes + view.getUint32(FileField.sections, true) * SectionField.bytes);
  view.setUint32(FileField.table_hash, xxh32(table), true);
  view.setUint32(FileField.hash, xxh32(copy.subarray(0, FileField.hash)), true);
  return copy;
}

const chunks = writeChunks(encodeChunks(pack.regions));

/** The file with other metadata. */
function withMeta(meta: unknown): Uint8Array {
  return writeContainer([
    { kind: SectionKind.meta, bytes: new TextEncoder().encode(JSON.stringify(meta)) },
    { kind: SectionKind.chunks, bytes: chunks },
  ]);
}

const codeOf = (file: Uint8Array): string => {
  try {
    readEpk(file);
    return "accepted";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

it("version 2 is these bytes", () => {
  expect(Buffer.from(writeEpk(prunedPack())).toString("hex")).toBe(Buffer.from(VERSION_2).toString("hex"));
});

describe.each([
  ["version 1", VERSION_1, pack],
  ["version 2", VERSION_2, prunedPack()],
])("%s", (_, file, pack) => {
  it("gives back metadata and image", () => {
    const { meta, image } = readEpk(file);
    expect(meta).toEqual(pack.meta);
    for (const { at, data, expand } of pack.regions) {
      const values = expand ? Float32Array.from(data, (q, i) => q * expand.scale[Math.floor(i / expand.block)]) : data;
      expect(image.subarray(at, at + values.byteLength)).toEqual(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });

  it("unpacks in wasm to the same image", () => {
    const { meta, image } = readEpk(file);
    const chunks = [...readChunks(sectionOf(readContainer(file), SectionKind.chunks))].map(({ body }) => body);
    const { statuses, memory } = wasmDecoder(moduleOf("scalar"), meta.image)(chunks);
    expect(statuses).toEqual(chunks.map(() => Status.ok));
    expect(Buffer.compare(memory.subarray(4096, meta.image), image.subarray(4096))).toBe(0);
  });
});

it("a file is the same for the same pack, whatever the order of fields and regions", () => {
  const { name, ...rest } = pack.meta;
  expect(writeEpk({ regions: [...pack.regions].reverse(), meta: { ...rest, name } })).toEqual(epk);
});

describe("measureEpk", () => {
  it("has a row for each region, whose bytes add up to the chunks", () => {
    const data = weightsOf(DISTRIBUTIONS.Gaussian, 200_000);
    const image = 4096 + 200_000 + 64;
    const file = writeEpk({
      meta: { ...pack.meta, inputs: [], outputs: [], image, memory: image },
      regions: [
        { at: 4096, data },
        { at: 4096 + 200_000, data: Int32Array.of(1, 2, 3) },
      ],
    });
    const { meta, regions } = measureEpk(file);
    expect(regions.map(({ at, count, plain }) => ({ at, count, plain }))).toEqual([
      { at: 4096, count: 200_000, plain: 200_000 },
      { at: 204_096, count: 3, plain: 12 },
    ]);
    expect(regions[0].bytes / regions[0].entropy).toBeCloseTo(1, 2);
    const coded = regions.reduce((n, { bytes }) => n + bytes, 0);
    expect(file.length - meta - coded).toBeLessThan(300);
  });
});

describe("a damaged file", () => {
  it("is EPK_INVALID with any one bit flipped", () => {
    const codes = new Set<string>();
    for (let i = 0; i < epk.length * 8; i++) {
      const copy = epk.slice();
      copy[i >> 3] ^= 1 << (i & 7);
      codes.add(codeOf(copy));
    }
    expect([...codes]).toEqual(["EPK_INVALID"]);
  });

  it("is EPK_INVALID at every shorter length, and with bytes after its end", () => {
    for (let length = 0; length < epk.length; length++) expect(codeOf(epk.subarray(0, length)), `${length}`).toBe("EPK_INVALID");
    expect(codeOf(new Uint8Array([...epk, 0]))).toBe("EPK_INVALID");
  });
});

describe("a sound file for another edgepack", () => {
  it.each([
    ["format", (v: DataView) => v.setUint16(FileField.format, 3, true)],
    ["ABI", (v: DataView) => v.setUint16(FileField.abi, 77, true)],
    ["flags", (v: DataView) => v.setUint32(FileField.flags, 1, true)],
  ])("is EPK_VERSION with another %s, and says both", (_, change) => {
    expect(() => readEpk(forged(change))).toThrow(
      expect.objectContaining({ code: "EPK_VERSION", message: expect.stringMatching(/this edgepack reads formats 1 to 2/) }),
    );
  });

  it("is read where it has a section more, refused where that section is required", () => {
    const meta = new TextEncoder().encode(JSON.stringify(pack.meta));
    const file = (required: boolean) =>
      writeContainer([
        { kind: SectionKind.meta, bytes: meta },
        { kind: 900, bytes: new Uint8Array(5), required },
        { kind: SectionKind.chunks, bytes: chunks },
      ]);
    expect(codeOf(file(false))).toBe("accepted");
    expect(codeOf(file(true))).toBe("EPK_VERSION");
  });
});

describe("hostile tables and metadata, their hashes made to fit", () => {
  const entry = FileField.bytes;
  it.each<[string, (v: DataView) => void]>([
    ["a section past the end", (v) => v.setUint32(entry + SectionField.length, 2 ** 31, true)],
    ["a section over the header", (v) => v.setUint32(entry + SectionField.offset, 0, true)],
    ["a gap between sections", (v) => v.setUint32(entry + SectionField.offset, v.getUint32(entry + SectionField.offset, true) + 16, true)],
    ["two sections of one kind", (v) => v.setUint16(entry + SectionField.kind, SectionKind.chunks, true)],
    ["no metadata", (v) => v.setUint32(entry + SectionField.kind, 900, true)],
  ])("%s: EPK_INVALID", (_, change) => {
    expect(codeOf(forged(change))).toBe("EPK_INVALID");
  });

  const { meta } = pack;
  const input = (change: object) => ({ ...meta, inputs: [{ ...meta.inputs[0], ...change }] });
  const output = (change: object) => ({ ...meta, outputs: [{ ...meta.outputs[0], ...change }] });

  it.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["no name", { ...meta, name: undefined }],
    ["an image below its start", { ...meta, image: 16 }],
    ["an image at no multiple of 16", { ...meta, image: meta.image + 4 }],
    ["an image past the memory", { ...meta, memory: meta.image - 16 }],
    ["an image that its chunks cannot fill", { ...meta, image: 2 ** 30, memory: 2 ** 30 }],
    ["memory of 2 GB", { ...meta, memory: 2 ** 31 }],
    ["a plan outside the image", { ...meta, plan: meta.image }],
    ["a plan at an odd address", { ...meta, plan: meta.plan + 2 }],
    ["an input past the memory", input({ at: meta.memory - 4 })],
    ["an input at an odd address", input({ at: meta.image + 1 })],
    ["an input below the image", input({ at: 0 })],
    ["a negative dimension", input({ shape: [-8] })],
    ["a fraction for a dimension", input({ shape: [0.5] })],
    ["dimensions whose product overflows", input({ shape: Array(40).fill(2 ** 30) })],
    ["preprocessing of no picture", input({ preprocess: { mean: [0], std: [1], layout: "nchw" } })],
    ["preprocessing that divides by 0", input({ shape: [1, 2, 4], preprocess: { mean: [0], std: [0], layout: "nchw" } })],
    [
      "preprocessing of more channels than there are",
      input({ shape: [1, 2, 4], preprocess: { mean: [0, 0], std: [1, 1], layout: "nchw" } }),
    ],
    ["an unknown dtype", output({ dtype: "f16" })],
    ["a dtype that every object has", output({ dtype: "constructor" })],
    ["two outputs of one name", { ...meta, outputs: [...meta.outputs, ...meta.outputs] }],
    ["labels that are no texts", { ...meta, labels: [1] }],
    ["inputs that are no list", { ...meta, inputs: { length: 1 } }],
  ])("metadata with %s: EPK_INVALID", (_, changed) => {
    expect(codeOf(withMeta(changed))).toBe("EPK_INVALID");
  });

  it("metadata that are right are accepted, so that the rows above bite", () => {
    expect(codeOf(withMeta(meta))).toBe("accepted");
    expect(codeOf(withMeta(input({ shape: [1, 2, 4], preprocess: { mean: [0], std: [1], layout: "nchw" } })))).toBe("accepted");
  });

  it("metadata that is no JSON: EPK_INVALID", () => {
    const file = writeContainer([{ kind: SectionKind.meta, bytes: Uint8Array.of(0xff) }]);
    expect(codeOf(file)).toBe("EPK_INVALID");
  });

  it("writeEpk refuses metadata that readers would refuse", () => {
    expect(() => writeEpk({ ...pack, meta: { ...meta, plan: 0 } })).toThrow(expect.objectContaining({ code: "EPK_INVALID" }));
  });
});
