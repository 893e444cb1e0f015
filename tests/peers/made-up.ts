/** Inputs that look like what models are made for: sounds of speech's shape, smooth spectra, words by how frequent they are (pictures: `pictures.ts`). */
import { mulberry32 } from "../../src/data/sample.ts";

/** A voiced sound: harmonics of a wandering pitch under a slow envelope, and some breath. Samples in −1..1. */
export function sound(samples: number, seed: number, rate: number): Float32Array {
  const random = mulberry32(seed);
  const [pitch, wander, loud] = [100 + 150 * random(), 20 * random(), 0.1 + 0.5 * random()];
  let phase = 0;
  return Float32Array.from({ length: samples }, (_, i) => {
    phase += (2 * Math.PI * (pitch + wander * Math.sin((6 * i) / rate))) / rate;
    const voice = [1, 2, 3, 4, 5].reduce((sum, h) => sum + Math.sin(h * phase) / h, 0);
    return loud * (0.4 * voice * Math.sin((3 * Math.PI * i) / samples) ** 2 + 0.05 * (random() - 0.5));
  });
}

/** Numbers in low..high, smooth as the bands of a spectrum are, with some noise. */
export function spectrum(length: number, seed: number, low: number, high: number): Float32Array {
  const random = mulberry32(seed);
  const waves = Array.from({ length: 6 }, () => [random(), random() * 0.4, random() * 6.28]);
  const value = (i: number): number => waves.reduce((sum, [a, f, p]) => sum + a * Math.sin(f * i + p), 0) / 3 + 0.1 * (random() - 0.5);
  return Float32Array.from({ length }, (_, i) => low + (high - low) * Math.min(Math.max(0.5 + 0.5 * value(i), 0), 1));
}

/** Word numbers, small ones often (Zipf), zeros after the end of the text. */
export function words(length: number, seed: number, vocabulary: number): Float32Array {
  const random = mulberry32(seed);
  const end = 20 + Math.floor(random() * (length - 20));
  return Float32Array.from({ length }, (_, i) => (i < end ? Math.floor(vocabulary ** random()) : 0));
}
