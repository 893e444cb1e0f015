import { crc32, inflateSync } from "node:zlib";
import { MAX_PIXELS, type Pixels } from "./pixels.ts";

/** First bytes of every PNG. */
export const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Colour types: samples a pixel, of which alpha is the last where there is one, and the bit depths allowed. */
const COLOURS: { readonly [type: number]: { readonly samples: number; readonly depths: readonly number[] } } = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;

/** Adam7: first column and row of each pass, and its steps. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const WHOLE = [[0, 0, 1, 1]] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly passes: readonly (readonly [number, number, number, number])[];
}

function readHeader(chunk: DataView): Header {
  if (chunk.byteLength !== 13) throw new Error("its IHDR chunk is not 13 bytes");
  const width = chunk.getUint32(0);
  const height = chunk.getUint32(4);
  const [depth, colour, compression, filter, interlace] = [8, 9, 10, 11, 12].map((at) => chunk.getUint8(at));
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  if (width * height > MAX_PIXELS) throw new Error(`it is ${width}×${height}; edgepack reads images up to ${MAX_PIXELS / 2 ** 20} Mpixel`);
  if (!COLOURS[colour]?.depths.includes(depth)) throw new Error(`colour type ${colour} with ${depth} bits does not exist`);
  if (compression !== 0 || filter !== 0 || interlace > 1) throw new Error("it uses a method that PNG does not define");
  return { width, height, depth, colour, passes: interlace ? ADAM7 : WHOLE };
}

/** Undoes the five row filters of PNG (specification, 9.2) in place. `raw` is rows of one filter byte and `stride` bytes. */
function unfilter(raw: Uint8Array, stride: number, step: number): void {
  for (let row = 0; row < raw.length; row += stride + 1) {
    const filter = raw[row];
    if (filter > 4) throw new Error(`row filter ${filter} does not exist`);
    if (filter === 0) continue;
    const up = row - stride - 1;
    for (let i = 1; i <= stride; i++) {
      const a = i > step ? raw[row + i - step] : 0;
      const b = row > 0 ? raw[up + i] : 0;
      if (filter === 1) raw[row + i] += a;
      else if (filter === 2) raw[row + i] += b;
      else if (filter === 3) raw[row + i] += (a + b) >> 1;
      else {
        const c = row > 0 && i > step ? raw[up + i - step] : 0;
        const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
        raw[row + i] += pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      }
    }
  }
}

/** Sample `index` of an unfiltered row, as it is stored; of 16 bits as the nearest of 8. */
function sampleAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index];
  if (depth === 16) return (((row[2 * index] << 8) | row[2 * index + 1]) * 255 + 32895) >> 16;
  const bit = index * depth;
  return (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/**
 * Decodes a PNG of any colour type, depth and interlacing to gray or RGB of 8 bits; alpha is dropped, gamma and profiles are ignored.
 * Checksums are checked. Throws a plain Error with the reason; never inflates more than the header announces.
 */
export function decodePng(bytes: Uint8Array): Pixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let at = PNG_MAGIC.length, end = false; !end; ) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (at + 12 + length > bytes.length) throw new Error("it ends in the middle of a chunk");
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw new Error(`the checksum of its ${type} chunk is wrong`);
    if (!header && type !== "IHDR") throw new Error("it does not begin with an IHDR chunk");
    if (type === "IHDR") header = readHeader(new DataView(body.buffer, body.byteOffset, body.byteLength));
    else if (type === "PLTE") palette = body;
    else if (type === "IDAT") data.push(body);
    else if (type === "IEND") end = true;
    else if (type < "a") throw new Error(`its chunk ${type} is not known`);
    at += 12 + length;
  }
  return assemble(header!, palette, Buffer.concat(data));
}

function assemble({ width, height, depth, colour, passes }: Header, palette: Uint8Array | undefined, compressed: Uint8Array): Pixels {
  if (colour === PALETTE && !palette) throw new Error("it has no palette");
  const { samples } = COLOURS[colour];
  const parts = passes
    .map(([x, y, dx, dy]) => ({ x, y, dx, dy, columns: Math.ceil((width - x) / dx), rows: Math.ceil((height - y) / dy) }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
    .map((part) => ({ ...part, stride: Math.ceil((part.columns * samples * depth) / 8) }));
  const size = parts.reduce((sum, { rows, stride }) => sum + rows * (stride + 1), 0);
  const raw = inflateSync(compressed, { maxOutputLength: size });
  if (raw.length !== size) throw new Error(`it holds ${raw.length} bytes of pixels where ${size} are needed`);

  const channels = colour === 0 || colour === 4 ? 1 : 3;
  const out = new Uint8Array(width * height * channels);
  const scale = colour === PALETTE || depth >= 8 ? 1 : 255 / ((1 << depth) - 1);
  let from = 0;
  for (const { x, y, dx, dy, columns, rows, stride } of parts) {
    const pass = raw.subarray(from, from + rows * (stride + 1));
    from += pass.length;
    unfilter(pass, stride, Math.max(1, (samples * depth) >> 3));
    for (let r = 0; r < rows; r++) {
      const row = pass.subarray(r * (stride + 1) + 1, (r + 1) * (stride + 1));
      for (let c = 0; c < columns; c++) {
        const to = ((y + r * dy) * width + x + c * dx) * channels;
        if (colour === PALETTE) {
          const entry = 3 * sampleAt(row, c, depth);
          if (entry >= palette!.length) throw new Error("a pixel lies outside its palette");
          out.set(palette!.subarray(entry, entry + 3), to);
        } else for (let k = 0; k < channels; k++) out[to + k] = sampleAt(row, c * samples + k, depth) * scale;
      }
    }
  }
  return { width, height, channels, data: out };
}
