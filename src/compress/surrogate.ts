/**
 * Inputs in place of calibration data, when there are none. Rounding of weights and the search for sensitive values need inputs whose neighbouring
 * elements are alike, as those of images are: images become fields of value noise with a power spectrum near 1/f², what else there is stays
 * white.
 */
import { type DataItem, type Dataset, type InputSpec, mulberry32, syntheticDataset } from "../data/index.ts";

/** Sides of the grids of random numbers, in cells; each has half the amplitude of the one before. */
const OCTAVES = [2, 4, 8, 16, 32, 64];

/** Item i depends on `seed` and i alone. */
export function surrogateDataset(inputs: readonly InputSpec[], count: number, seed: number): Dataset {
  const white = syntheticDataset(inputs, count, seed);
  return {
    ...white,
    description: `${count} surrogate inputs`,
    async item(index) {
      const item: DataItem = await white.item(index);
      const random = mulberry32(Math.imul(seed + 1, 0x27d4eb2f) ^ Math.imul(index + 1, 0x165667b1));
      for (const input of inputs) if (isImage(input)) item[input.name] = images(input, random);
      return item;
    },
  };
}

const isImage = ({ shape, dtype = "f32" }: InputSpec): boolean =>
  shape.length === 4 && dtype === "f32" && Math.min(shape[1], shape[3]) <= 4;

function images({ shape, preprocess }: InputSpec, random: () => number): DataItem[string] {
  const [batch, ...sizes] = shape;
  const planar = shape[1] <= shape[3];
  const [channels, height, width] = planar ? sizes : [sizes[2], sizes[0], sizes[1]];
  const interleaved = preprocess !== undefined || !planar;
  const elements = Array.from({ length: batch }, () => image(channels, height, width, interleaved, random)).flat();
  if (preprocess) return Uint8Array.from(elements, (v) => Math.min(Math.max(Math.round(128 + 64 * v), 0), 255));
  return Float32Array.from(elements);
}

function image(channels: number, height: number, width: number, interleaved: boolean, random: () => number): number[] {
  // Channels share most of what they show, as colours do.
  const shared = field(height, width, random);
  const planes = Array.from({ length: channels }, () => field(height, width, random).map((v, i) => 0.9 * shared[i] + 0.4 * v));
  const at = (i: number): number =>
    interleaved ? planes[i % channels][Math.floor(i / channels)] : planes[Math.floor(i / (height * width))][i % (height * width)];
  return Array.from({ length: channels * height * width }, (_, i) => at(i));
}

/** Value noise, bilinear, of zero mean and about unit variance. */
function field(height: number, width: number, random: () => number): Float32Array {
  const out = new Float32Array(height * width);
  let amplitude = 1.8;
  for (const cells of OCTAVES) {
    if (cells > 2 * Math.max(height, width)) break;
    const grid = Float32Array.from({ length: (cells + 1) ** 2 }, () => amplitude * (2 * random() - 1));
    for (let y = 0, i = 0; y < height; y++) {
      const v = (y * cells) / height;
      const row = Math.floor(v) * (cells + 1);
      for (let x = 0; x < width; x++, i++) {
        const u = (x * cells) / width;
        const at = row + Math.floor(u);
        const [fx, fy] = [u - Math.floor(u), v - Math.floor(v)];
        const above = grid[at] + (grid[at + 1] - grid[at]) * fx;
        const below = grid[at + cells + 1] + (grid[at + cells + 2] - grid[at + cells + 1]) * fx;
        out[i] += above + (below - above) * fy;
      }
    }
    amplitude /= 2;
  }
  return out;
}
