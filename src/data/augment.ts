import { EdgepackError } from "../errors.ts";
import type { Dataset, InputSpec, ItemData } from "./dataset.ts";
import { imageInput } from "./pixels.ts";
import { itemRandom, normal } from "./sample.ts";

/** What is done to an item, each by an amount drawn anew for it. Absent or 0: not done. */
export interface AugmentOptions {
  /** How many items are made of each; 1 where absent. */
  readonly copies?: number;
  readonly seed?: number;
  /** Images: mirrored left to right, every second one. */
  readonly flip?: boolean;
  /** Images: moved by up to so many pixels in both directions, over black: a random crop after padding. */
  readonly crop?: number;
  /** Images: made lighter or darker by up to this part (0..1) of their range. */
  readonly brightness?: number;
  /** Images: the distance of each value from the mean changed by up to this part (0..1) of it. */
  readonly contrast?: number;
  /** Sound: moved by up to this part (0..1) of its length, over silence. */
  readonly shift?: number;
  /** Sound: louder or softer by up to so many dB. */
  readonly gain?: number;
  /** Normal noise: its standard deviation, as a part of the range of images and sound, or as it is for values. */
  readonly noise?: number;
}

/** An item's values on the way, and how its pixels lie: x beside x, y beside y. */
interface Frame {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly planar: boolean;
  /** The values' largest magnitude, and their smallest value, between which they stay. */
  readonly range: number;
  readonly least: number;
}

type Amount = number;
type Kind = Dataset["kind"];
type Random = () => number;

/** Uniform in ±amount. */
const around = (amount: Amount, random: Random) => (2 * random() - 1) * amount;

/** The values moved to where `from` says each pixel comes from; those from outside are 0. */
function moved(
  { values, height, width, channels, planar }: Frame,
  from: (y: number, x: number) => readonly [number, number],
): Float32Array {
  const out = new Float32Array(values.length);
  const [pixelStep, channelStep] = planar ? [1, height * width] : [channels, 1];
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++) {
      const [v, u] = from(y, x);
      if (v < 0 || v >= height || u < 0 || u >= width) continue;
      for (let c = 0; c < channels; c++) out[to * pixelStep + c * channelStep] = values[(v * width + u) * pixelStep + c * channelStep];
    }
  return out;
}

interface Change {
  /** Which data it fits. */
  readonly kinds: readonly Kind[];
  apply(frame: Frame, amount: Amount, random: Random): Float32Array;
}

/** In the order in which they are made. */
const CHANGES: Readonly<Record<Exclude<keyof AugmentOptions, "copies" | "seed">, Change>> = {
  flip: {
    kinds: ["images"],
    apply: (frame, _, random) => (random() < 0.5 ? frame.values : moved(frame, (y, x) => [y, frame.width - 1 - x])),
  },
  crop: {
    kinds: ["images"],
    apply(frame, pixels, random) {
      const [down, right] = [random(), random()].map((r) => Math.floor(r * (2 * pixels + 1)) - pixels);
      return moved(frame, (y, x) => [y - down, x - right]);
    },
  },
  brightness: {
    kinds: ["images"],
    apply({ values, range }, amount, random) {
      const added = around(amount, random) * range;
      return values.map((v) => v + added);
    },
  },
  contrast: {
    kinds: ["images"],
    apply({ values }, amount, random) {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const factor = 1 + around(amount, random);
      return values.map((v) => mean + (v - mean) * factor);
    },
  },
  shift: {
    kinds: ["sound"],
    apply(frame, part, random) {
      const by = Math.round(around(part, random) * frame.width);
      return moved(frame, (y, x) => [y, x - by]);
    },
  },
  gain: {
    kinds: ["sound"],
    apply({ values }, decibels, random) {
      const factor = 10 ** (around(decibels, random) / 20);
      return values.map((v) => v * factor);
    },
  },
  noise: {
    kinds: ["images", "sound", "values"],
    apply: ({ values, range }, deviation, random) => values.map((v) => v + normal(random) * deviation * range),
  },
};

/** How the values of an input lie, and between which bounds. */
function frameOf(kind: Kind, spec: InputSpec): Omit<Frame, "values"> {
  const length = spec.shape.reduce((n, d) => n * d, 1);
  const line = { height: 1, width: length, channels: 1, planar: true };
  if (kind === "sound") return { ...line, range: 1, least: -1 };
  if (kind === "values") return { ...line, range: 1, least: Number.NEGATIVE_INFINITY };
  const { height, width, channels, planar, form } = imageInput(spec);
  return { height, width, channels, planar: planar && form !== "raw", range: form === "unit" ? 1 : 255, least: 0 };
}

function changed(data: ItemData, frame: Omit<Frame, "values">, changes: readonly (readonly [Change, Amount])[], random: Random): ItemData {
  if (changes.length === 0) return data;
  let values = Float32Array.from(data);
  for (const [change, amount] of changes) values = Float32Array.from(change.apply({ ...frame, values }, amount, random));
  const { least, range } = frame;
  const most = Number.isFinite(least) ? range : Number.POSITIVE_INFINITY;
  const kept = values.map((v) => Math.min(Math.max(v, least), most));
  return data instanceof Float32Array ? kept : Uint8Array.from(kept, Math.round);
}

/**
 * A dataset of changed items: item i is made of item i mod `count`, and depends on the seed and i alone. For calibration and the like: judge on items
 * that were left as they are. Throws USAGE for changes that do not fit the data: to images where there are none, or noise on integers.
 */
export function augment(dataset: Dataset, inputs: readonly InputSpec[], options: AugmentOptions): Dataset {
  const { copies = 1, seed = 0 } = options;
  const { kind, count, labels } = dataset;
  const wanted = (Object.keys(CHANGES) as (keyof typeof CHANGES)[]).filter((name) => Number(options[name] ?? 0) > 0);
  const unfit = wanted.filter((name) => !CHANGES[name].kinds.includes(kind));
  if (unfit.length > 0) throw new EdgepackError("USAGE", `augment: ${unfit.join(", ")} cannot be done to ${kind} (${dataset.description})`);
  const integers = inputs.filter(({ dtype, preprocess }) => kind === "values" && !preprocess && (dtype ?? "f32") !== "f32");
  if (wanted.length > 0 && integers.length > 0)
    throw new EdgepackError("USAGE", `augment: noise is for numbers, and input ${integers[0].name} takes ${integers[0].dtype}`);
  const changes = wanted.map((name) => [CHANGES[name], Number(options[name])] as const);
  const frames = inputs.map((spec) => ({ name: spec.name, frame: frameOf(kind, spec) }));
  return {
    ...dataset,
    count: count * copies,
    labels: labels && Int32Array.from({ length: count * copies }, (_, i) => labels[i % count]),
    description: `${copies === 1 ? "" : `${copies} × `}${dataset.description}, augmented`,
    async item(i) {
      const item = await dataset.item(i % count);
      const random = itemRandom(seed, i);
      return Object.fromEntries(frames.map(({ name, frame }) => [name, changed(item[name], frame, changes, random)]));
    },
  };
}
