/** Zero crossings of the sinc on each side. More make the filter steeper, and slower. */
const ZEROS = 16;

/** The filter's cutoff, relative to the lower of the two Nyquist frequencies: room for its slope. */
const ROLLOFF = 0.945;

/** Weights that one pair of rates may need, all phases together. */
const MOST_WEIGHTS = 2 ** 20;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Turns samples at one rate into the first `length` or fewer samples at another. */
export type Resampler = (samples: Float32Array, length: number) => Float32Array;

/**
 * Band-limited resampling by a sinc under a Hann window, its phases computed once (J. O. Smith, Digital Audio Resampling, ccrma.stanford.edu/~jos/resample).
 * The sound beyond either end counts as silence. Undefined where the rates' ratio would need more phases than is sensible.
 */
export function resampler(from: number, to: number): Resampler | undefined {
  if (from === to) return (samples, length) => samples.subarray(0, length);
  const divisor = gcd(from, to);
  const [step, phases] = [from / divisor, to / divisor];
  const cutoff = Math.min(1, to / from) * ROLLOFF;
  const half = Math.ceil(ZEROS / cutoff);
  if (phases * 2 * half > MOST_WEIGHTS) return undefined;
  const kernels = Array.from({ length: phases }, (_, phase) => kernel(((phase * step) % phases) / phases, half, cutoff));
  return (samples, length) => {
    const out = new Float32Array(Math.min(length, Math.ceil((samples.length * to) / from)));
    for (let i = 0; i < out.length; i++) {
      const weights = kernels[i % phases];
      const first = Math.floor((i * step) / phases) - half + 1;
      let sum = 0;
      for (let k = Math.max(0, -first); k < weights.length && first + k < samples.length; k++) sum += samples[first + k] * weights[k];
      out[i] = sum;
    }
    return out;
  };
}

/** Weights of the 2·half samples around a position that lies `fraction` after the one at half − 1; they sum to 1. */
function kernel(fraction: number, half: number, cutoff: number): Float64Array {
  const weights = Float64Array.from({ length: 2 * half }, (_, k) => {
    const t = k - (half - 1) - fraction;
    if (Math.abs(t) >= half) return 0;
    const x = Math.PI * cutoff * t;
    return (x === 0 ? 1 : Math.sin(x) / x) * Math.cos((Math.PI * t) / (2 * half)) ** 2;
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}
