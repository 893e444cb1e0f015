import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterEach } from "vitest";

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A folder that holds `files` (by relative path), gone after the test. */
export function folder(files: Record<string, Uint8Array | string>): string {
  const path = mkdtempSync(join(tmpdir(), "edgepack-data-"));
  made.push(path);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}

/** The path of one file with these bytes. */
export const file = (name: string, bytes: Uint8Array | string) => join(folder({ [name]: bytes }), name);

export function idx(dims: number[], data: ArrayLike<number>, type = 8): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * dims.length + data.length);
  bytes.set([0, 0, type, dims.length]);
  dims.forEach((d, i) => {
    new DataView(bytes.buffer).setUint32(4 + 4 * i, d);
  });
  bytes.set(Uint8Array.from(data), 4 + 4 * dims.length);
  return bytes;
}

export function npy(descr: string, shape: number[], data: ArrayBufferView, order: "C" | "F" = "C"): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': ${order === "F" ? "True" : "False"}, 'shape': (${shape.map((d) => `${d},`).join(" ")}), }`;
  const text = `${dict.padEnd(117)}\n`;
  const head = new Uint8Array(10);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8]);
  return Buffer.concat([head, Buffer.from(text), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

export function pngChunk(type: string, body: Uint8Array): Uint8Array {
  const typed = Buffer.concat([Buffer.from(type), body]);
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.set(typed, 4);
  out.writeUInt32BE(crc32(typed), body.length + 8);
  return out;
}

/** A PNG of one IDAT chunk from rows that carry their filter bytes. */
export function png(
  header: { width: number; height: number; depth: number; colour: number; interlace?: number },
  rows: ArrayLike<number>,
  before: Uint8Array[] = [],
): Uint8Array {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(header.width, 0);
  ihdr.writeUInt32BE(header.height, 4);
  ihdr.set([header.depth, header.colour, 0, 0, header.interlace ?? 0], 8);
  const magic = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const data = pngChunk("IDAT", deflateSync(Uint8Array.from(rows)));
  return Buffer.concat([magic, pngChunk("IHDR", ihdr), ...before, data, pngChunk("IEND", new Uint8Array())]);
}

/** A gray PNG filled with one value. */
export const grayPng = (width: number, height: number, value: number) =>
  png({ width, height, depth: 8, colour: 0 }, Array.from({ length: height }, () => [0, ...new Array(width).fill(value)]).flat());

interface WavHeader {
  readonly tag?: number;
  readonly bits: number;
  readonly channels?: number;
  readonly rate?: number;
  /** Chunks between the header and the samples. */
  readonly before?: Uint8Array;
}

/** A WAV of samples that are encoded already. */
export function wav({ tag = 1, bits, channels = 1, rate = 8000, before = new Uint8Array() }: WavHeader, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(36);
  out.write("RIFF", 0);
  out.writeUInt32LE(36 + before.length + data.length, 4);
  out.write("WAVEfmt ", 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(tag, 20);
  out.writeUInt16LE(channels, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE((rate * channels * bits) / 8, 28);
  out.writeUInt16LE((channels * bits) / 8, 32);
  out.writeUInt16LE(bits, 34);
  const head = Buffer.alloc(8);
  head.write("data");
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([out, before, head, data]);
}

/** A WAV of 16 bits from numbers in −1..1. */
export const wav16 = (samples: ArrayLike<number>, rate = 8000) => {
  const data = Int16Array.from(samples, (v) => Math.round(v * 32767));
  return wav({ bits: 16, rate }, new Uint8Array(data.buffer));
};
