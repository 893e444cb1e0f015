import { invalid } from "./dataset.ts";

/** Sound as numbers in −1..1, all channels mixed into one. */
export interface Sound {
  /** Samples a second. */
  readonly rate: number;
  readonly samples: Float32Array;
}

/** What a WAV file says of its samples. */
interface Layout {
  readonly rate: number;
  readonly channels: number;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** Encodings by format tag and bits a sample. 8 bits are unsigned; 24 have no method of DataView. */
const ENCODINGS: { readonly [tagAndBits: string]: Layout["read"] } = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM}/24`]: (view, at) => (view.getUint16(at, true) | (view.getInt8(at + 2) << 16)) / 2 ** 23,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
};

/** Rates that recordings have, from 1 kHz to 768 kHz. */
const [LEAST_RATE, MOST_RATE] = [1000, 768000];
const MOST_CHANNELS = 64;

/** Bytes that `isWav` needs. */
export const WAV_MAGIC_BYTES = 12;

const tagAt = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Whether a file that begins so is a WAV. */
export function isWav(head: Uint8Array): boolean {
  return head.length >= WAV_MAGIC_BYTES && tagAt(head, 0) === "RIFF" && tagAt(head, 8) === "WAVE";
}

function readLayout(path: string, chunk: DataView): Layout {
  if (chunk.byteLength < 16) throw invalid(path, `its fmt chunk is ${chunk.byteLength} bytes; at least 16 are needed`);
  const announced = chunk.getUint16(0, true);
  const tag = announced === EXTENSIBLE && chunk.byteLength >= 26 ? chunk.getUint16(24, true) : announced;
  const channels = chunk.getUint16(2, true);
  const rate = chunk.getUint32(4, true);
  const frame = chunk.getUint16(12, true);
  const bits = chunk.getUint16(14, true);
  const read = ENCODINGS[`${tag}/${bits}`];
  if (!read)
    throw invalid(path, `it holds format ${tag} with ${bits} bits; PCM of 8, 16, 24 or 32 bits (format 1) and floats of 32 (3) are read`);
  if (channels === 0 || channels > MOST_CHANNELS || frame !== (channels * bits) / 8)
    throw invalid(path, `it announces ${channels} channels of ${bits} bits in frames of ${frame} bytes`);
  if (rate < LEAST_RATE || rate > MOST_RATE) throw invalid(path, `it announces ${rate} samples a second`);
  return { rate, channels, bytes: bits / 8, read };
}

/**
 * Reads a WAV file (RIFF, little endian) of PCM with 8, 16, 24 or 32 bits, or floats of 32. Channels are averaged. Throws DATA_INVALID, naming
 * `path`, where it is cut off or holds anything else. Source: Multimedia Programming Interface and Data Specifications 1.0, and Microsoft's
 * WAVEFORMATEXTENSIBLE.
 */
export function parseWav(path: string, file: Uint8Array): Sound {
  if (!isWav(file)) throw invalid(path, "not a WAV file");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let layout: Layout | undefined;
  for (let at = WAV_MAGIC_BYTES; at + 8 <= file.length; ) {
    const tag = tagAt(file, at);
    const size = view.getUint32(at + 4, true);
    const begin = at + 8;
    if (begin + size > file.length)
      throw invalid(path, `its ${tag.trim()} chunk announces ${size} bytes, and the file ends after ${file.length - begin} of them`);
    const chunk = new DataView(file.buffer, file.byteOffset + begin, size);
    if (tag === "fmt ") layout = readLayout(path, chunk);
    if (tag === "data") {
      if (!layout) throw invalid(path, "its samples come before its fmt chunk");
      return { rate: layout.rate, samples: mixed(path, chunk, layout) };
    }
    // Chunks begin at even offsets.
    at = begin + size + (size & 1);
  }
  throw invalid(path, "it ends before its samples");
}

function mixed(path: string, data: DataView, { channels, bytes, read }: Layout): Float32Array {
  const frame = channels * bytes;
  if (data.byteLength % frame !== 0)
    throw invalid(path, `its ${data.byteLength} bytes of samples are no whole number of frames of ${frame}`);
  const samples = new Float32Array(data.byteLength / frame);
  for (let i = 0, at = 0; i < samples.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at += bytes) sum += read(data, at);
    samples[i] = sum / channels;
  }
  return samples;
}
