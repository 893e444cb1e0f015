import { type Dataset, type InputSpec, invalid, type OpenOptions } from "./dataset.ts";
import { readBytes } from "./file.ts";
import { type Resampler, resampler } from "./resample.ts";
import { parseWav } from "./wav.ts";

/** How many samples an input takes. Throws DATA_INVALID where it is no waveform: f32 with one dimension above 1. */
function lengthOf(path: string, { name, shape, dtype = "f32" }: InputSpec): number {
  if (dtype !== "f32" || shape.filter((d) => d !== 1).length > 1)
    throw invalid(
      path,
      `recordings feed a waveform, f32[1,N], and input ${name} is ${dtype}[${shape.join(",")}]; compute its features and give them as .npz`,
    );
  return Math.max(...shape);
}

/**
 * Recordings, read when asked for: mixed to one channel, brought to the model's rate, and cut at the end or filled with silence up to the
 * input's length, in −1..1.
 */
export function openRecordings(path: string, files: readonly string[], options: OpenOptions): Dataset {
  const { inputs, sampleRate } = options;
  if (inputs.length !== 1)
    throw invalid(path, `recordings feed one input, and the model has ${inputs.length}; give an .npz with an array for each`);
  const [{ name }] = inputs;
  const length = lengthOf(path, inputs[0]);
  const resamplers = new Map<number, Resampler | undefined>();
  let first: { readonly file: string; readonly rate: number } | undefined;

  /** The rate to bring a recording to; where the model's is not known, all must have that of the first one read. */
  const wantedRate = (file: string, rate: number): number => {
    if (sampleRate !== undefined) return sampleRate;
    first ??= { file, rate };
    if (rate !== first.rate)
      throw invalid(file, `it has ${rate} samples a second, and ${first.file} ${first.rate}: say with --sample-rate which the model takes`);
    return rate;
  };
  const resamplerFor = (file: string, rate: number): Resampler => {
    const wanted = wantedRate(file, rate);
    if (!resamplers.has(rate)) resamplers.set(rate, resampler(rate, wanted));
    const found = resamplers.get(rate);
    if (!found) throw invalid(file, `it has ${rate} samples a second, which is too odd a ratio to ${wanted}: resample it before`);
    return found;
  };
  return {
    count: files.length,
    kind: "sound",
    description: `${files.length} recording${files.length === 1 ? "" : "s"} from ${path}`,
    async item(i) {
      const { rate, samples } = parseWav(files[i], readBytes(files[i]));
      const data = new Float32Array(length);
      data.set(resamplerFor(files[i], rate)(samples, length));
      return { [name]: data };
    },
  };
}
