import { describe, expect, it } from "vitest";
import { type OpenOptions, openDataset } from "../../src/data/index.ts";
import { resampler } from "../../src/data/resample.ts";
import { parseWav } from "../../src/data/wav.ts";
import { file, folder, grayPng, wav, wav16 } from "./files.ts";

const refused = (reason: RegExp) => expect.objectContaining({ code: "DATA_INVALID", message: expect.stringMatching(reason) });
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe("parseWav", () => {
  it.each([
    ["8 bits, unsigned", { bits: 8 }, Uint8Array.of(0, 128, 192), [-1, 0, 0.5]],
    ["16 bits", { bits: 16 }, bytesOf(Int16Array.of(-32768, 0, 16384)), [-1, 0, 0.5]],
    ["24 bits", { bits: 24 }, Uint8Array.of(0, 0, 0x80, 0, 0, 0, 0, 0, 0x40, 0xff, 0xff, 0xff), [-1, 0, 0.5, -(2 ** -23)]],
    ["32 bits", { bits: 32 }, bytesOf(Int32Array.of(-(2 ** 31), 0, 2 ** 30)), [-1, 0, 0.5]],
    ["floats", { bits: 32, tag: 3 }, bytesOf(Float32Array.of(-1, 0, 0.25)), [-1, 0, 0.25]],
  ])("reads %s", (_, header, data, samples) => {
    expect([...parseWav("a", wav(header, data)).samples]).toEqual(samples);
  });
  it("averages channels", () => {
    const data = bytesOf(Int16Array.of(16384, 0, -16384, -16384));
    expect([...parseWav("a", wav({ bits: 16, channels: 2 }, data)).samples]).toEqual([0.25, -0.5]);
  });
  it("passes over other chunks, whose length may be odd", () => {
    const before = Buffer.from([..."LIST"].map((c) => c.charCodeAt(0)).concat([3, 0, 0, 0, 1, 2, 3, 0]));
    expect([...parseWav("a", wav({ bits: 8, before }, Uint8Array.of(192))).samples]).toEqual([0.5]);
  });
  it("refuses every truncation", () => {
    const whole = wav({ bits: 24, channels: 2 }, new Uint8Array(12));
    for (let n = 0; n < whole.length; n++) expect(() => parseWav("a.wav", whole.subarray(0, n)), `${n}`).toThrow(refused(/^a\.wav: /));
  });
  it.each([
    ["compressed samples", wav({ bits: 4, tag: 17 }, new Uint8Array(4)), /format 17 with 4 bits/],
    ["no channels", wav({ bits: 8, channels: 0 }, new Uint8Array(4)), /0 channels/],
    ["frames of another size", wav({ bits: 16 }, new Uint8Array(4)).fill(3, 32, 33), /frames of 3/],
    ["a rate that no recording has", wav({ bits: 8, rate: 3 }, new Uint8Array(4)), /3 samples a second/],
    ["half a frame", wav({ bits: 16 }, new Uint8Array(3)), /no whole number of frames/],
    [
      "samples before their format",
      Buffer.concat([wav({ bits: 8 }, new Uint8Array(2)).subarray(0, 12), Buffer.from("data\0\0\0\0")]),
      /before its fmt/,
    ],
  ])("refuses %s", (_, bytes, reason) => {
    expect(() => parseWav("a.wav", bytes)).toThrow(refused(reason));
  });
});

describe("resampler", () => {
  const tone = (hertz: number, rate: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
  /** Power of the middle of a signal, away from the silence at its ends. */
  const power = (values: Float32Array) => values.subarray(200, -200).reduce((sum, v) => sum + v * v, 0) / (values.length - 400);

  it.each([
    [8000, 16000],
    [44100, 16000],
    [48000, 16000],
    [11025, 16000],
  ])("keeps a tone of 440 Hz from %i to %i samples a second", (from, to) => {
    const out = resampler(from, to)!(tone(440, from, from / 2), to);
    const expected = tone(440, to, out.length);
    expect(out).toHaveLength(Math.ceil(to / 2));
    for (let i = 200; i < out.length - 200; i++) expect(Math.abs(out[i] - expected[i])).toBeLessThan(2e-3);
  });
  it("takes away what the lower rate cannot hold", () => {
    const out = resampler(16000, 8000)!(tone(6000, 16000, 8000), 8000);
    expect(10 * Math.log10(power(out) / 0.5)).toBeLessThan(-60);
  });
  it("keeps a constant", () => {
    const out = resampler(44100, 16000)!(new Float32Array(4410).fill(0.5), 16000);
    expect(out[800]).toBeCloseTo(0.5, 6);
  });
  it("refuses a ratio that needs too many phases", () => {
    expect(resampler(44101, 48000)).toBeUndefined();
  });
});

describe("recordings", () => {
  const inputs: OpenOptions["inputs"] = [{ name: "x", shape: [1, 4] }];
  const open = (path: string, options: Partial<OpenOptions> = {}) => openDataset(path, { part: "test", inputs, ...options });

  it("takes a folder for each class, cut at the end or filled with silence", async () => {
    const path = folder({ "no/1.wav": wav16([1, 1, 1, 1, -1]), "yes/1.wav": wav16([1, -1]) });
    const dataset = await open(path);
    expect(dataset).toMatchObject({ kind: "sound", labels: Int32Array.of(0, 1), classes: ["no", "yes"] });
    const near = (values: number[]) => values.map((v) => expect.closeTo(v, 4));
    expect([...(await dataset.item(0)).x]).toEqual(near([1, 1, 1, 1]));
    expect([...(await dataset.item(1)).x]).toEqual(near([1, -1, 0, 0]));
  });
  it("resamples to the model's rate", async () => {
    const dataset = await open(file("a.wav", wav16(new Float32Array(400).fill(0.5))), {
      inputs: [{ name: "x", shape: [1, 800] }],
      sampleRate: 16000,
    });
    expect((await dataset.item(0)).x[400]).toBeCloseTo(0.5, 3);
  });
  it("says what to do where rates differ and the model's is not known", async () => {
    const dataset = await open(folder({ "a.wav": wav16([1]), "b.wav": wav16([1], 16000) }));
    await dataset.item(0);
    await expect(dataset.item(1)).rejects.toEqual(refused(/b\.wav.*16000.*--sample-rate/));
  });
  it("refuses an input that is no waveform, and images among recordings", async () => {
    const path = folder({ "a.wav": wav16([1]) });
    await expect(open(path, { inputs: [{ name: "x", shape: [1, 49, 10] }] })).rejects.toEqual(refused(/no waveform|feed a waveform/));
    await expect(open(folder({ "a.wav": wav16([1]), "b.png": grayPng(1, 1, 1) }))).rejects.toEqual(refused(/both images and recordings/));
  });
});
