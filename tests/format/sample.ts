/** Small packs and the data that coders are measured on. */
import { Op, Unary } from "../../assembly/shared/plan.ts";
import type { Meta, Pack, Panels, Region } from "../../src/format/image.ts";

const IMAGE = 4096;
const f32Bits = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0];

/** A model that clips `n` numbers to −1..1, with some weights that it never reads. */
export function clipPack(n = 8, input: Partial<Meta["inputs"][number]> = {}): Pack {
  const panels = { n: 3, k: 11, lanes: 4, inner: 2 };
  const padding = (i: number): boolean => (i >> 1) % 4 === 3 || (i >= 40 && i % 2 === 1);
  const weights = Int8Array.from({ length: 48 }, (_, i) => (padding(i) ? 0 : ((i * 37) % 15) - 7));
  const plan = 4096 + 64;
  const expanded = plan + 48;
  const image = expanded + 4 * 16 + 32;
  const x = image;
  const y = x + Math.ceil(n / 4) * 16;
  const words = Int32Array.of(Op.f32_unary, 8, Unary.clamp, n, x, f32Bits(-1), f32Bits(1), y, Op.end, 2);
  const regions: Region[] = [
    { at: IMAGE, data: weights, panels },
    { at: plan, data: words },
    { at: expanded, data: weights.subarray(0, 16), expand: { scale: Float32Array.of(0.5, -0.25), lanes: 1, block: 8 } },
    { at: expanded + 64, data: Float32Array.of(1, -2, 3.5, 0) },
  ];
  return {
    meta: {
      name: "clip",
      inputs: [{ name: "x", dtype: "f32", shape: [n], at: x, ...input }],
      outputs: [{ name: "y", dtype: "f32", shape: [n], at: y }],
      plan,
      memory: y + 4 * n,
      image,
    },
    regions,
  };
}

/** `clipPack()` with weights of which many inputs and outputs are dead: large enough for tables of magnitudes. */
export function prunedPack(): Pack {
  const { meta, regions } = clipPack();
  const panels = { n: 60, k: 65, lanes: 16, inner: 2 };
  const data = panelsOf(panels, (n, k) => (n % 3 === 0 || k % 4 !== 0 ? 0 : ((n * 7 + k * 5) % 9) - 4));
  const end = meta.image + data.length;
  return { meta: { ...meta, inputs: [], outputs: [], image: end, memory: end }, regions: [...regions, { at: meta.image, data, panels }] };
}

/** Weights as panels lay them out. */
export function panelsOf({ n, k, lanes, inner }: Panels, weight: (n: number, k: number) => number): Int8Array {
  const rows = Math.ceil(k / inner);
  return Int8Array.from({ length: Math.ceil(n / lanes) * rows * lanes * inner }, (_, i) => {
    const output = Math.floor(i / (rows * lanes * inner)) * lanes + (Math.floor(i / inner) % lanes);
    const term = (Math.floor(i / (lanes * inner)) % rows) * inner + (i % inner);
    return output < n && term < k ? weight(output, term) : 0;
  });
}

/** Uniform in 0..1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Draw = (random: () => number, i: number) => number;

const gauss = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const laplace = (random: () => number) => Math.log(1 - random()) * (random() < 0.5 ? 1 : -1);

/** Weights as they come, rounded and clipped to ±127. */
export const DISTRIBUTIONS: Readonly<Record<string, Draw>> = {
  Gaussian: (random) => 40 * gauss(random),
  "narrow Gaussian": (random) => 12 * gauss(random),
  Laplacian: (random) => 15 * laplace(random),
  "Gaussian with each channel's maximum at ±127": (random, i) => (i % 144 === 0 ? (random() < 0.5 ? 127 : -127) : 42 * gauss(random)),
  "16 levels": (random) => 8 * Math.round(2.5 * gauss(random)),
  ternary: (random) => Math.floor(3 * random()) - 1,
  uniform: (random) => 255 * random() - 127.5,
};

export function weightsOf(draw: Draw, count: number, seed = 1): Int8Array {
  const random = randomOf(seed);
  return Int8Array.from({ length: count }, (_, i) => Math.max(-127, Math.min(127, Math.round(draw(random, i)))));
}

export const pruned: (share: number) => Draw = (share) => (random) => (random() < share ? 0 : 50 * gauss(random));

/** Order-0 entropy in bytes. */
export function entropyOf(symbols: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < symbols.length; i++) counts.set(symbols[i], (counts.get(symbols[i]) ?? 0) + 1);
  return [...counts.values()].reduce((bits, n) => bits + n * Math.log2(symbols.length / n), 0) / 8;
}
