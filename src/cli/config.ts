/** `edgepack.config.json` or `.ts`: the options of a build, and its recipe, as a file. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as v from "valibot";
import { OBSERVERS, type Observer } from "../compress/observers.ts";
import { checkRecipe, describeIssues, type StepSpec } from "../compress/recipe.ts";
import { type StepName, stepOf } from "../compress/steps/index.ts";
import { fileError } from "../data/file-error.ts";
import { RESIZE_MODES } from "../data/index.ts";
import { EdgepackError } from "../errors.ts";
import { CODINGS } from "../format/image.ts";
import { TARGETS, type TargetName } from "../targets/index.ts";

/** Files that `edgepack build` looks for where it is given neither a model nor --config. */
export const CONFIG_NAMES = [
  "edgepack.config.ts",
  "edgepack.config.mts",
  "edgepack.config.js",
  "edgepack.config.mjs",
  "edgepack.config.json",
];

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const described = <S extends v.GenericSchema>(schema: S, text: string) => v.optional(v.pipe(schema, v.description(text)));
const path = (text: string) => described(v.string(), `${text}; relative to this file`);

const part = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const AUGMENT = v.strictObject({
  copies: described(whole(1, 1000), "how many items are made of each"),
  flip: described(v.boolean(), "mirror images"),
  crop: described(whole(1, 1024), "move images by up to so many pixels"),
  brightness: described(part, "change of an image's brightness, as a part of its range"),
  contrast: described(part, "change of an image's contrast, as a part of it"),
  shift: described(part, "move sound by up to this part of its length"),
  gain: described(v.pipe(v.number(), v.minValue(0), v.maxValue(60)), "change of sound's loudness in dB"),
  noise: described(v.pipe(v.number(), v.minValue(0)), "standard deviation of noise"),
});

/** The options of a build as a file has them: those of the command line, by their names there in camel case, and `steps`. */
export const CONFIG = v.strictObject({
  $schema: v.optional(v.string()),
  model: path("the .onnx file"),
  out: path("where to write"),
  target: described(v.picklist(Object.keys(TARGETS) as TargetName[]), "write a folder for this place"),
  weights: described(v.picklist(["int8", "f32"]), "how weights are stored, where there are no steps"),
  shape: described(v.record(v.string(), v.array(whole(1, 1e9))), "shapes of inputs"),
  fix: described(v.record(v.string(), v.array(v.number())), "inputs that become constants"),
  mean: described(v.array(v.number()), "mean of each channel of an image whose bytes are scaled to 0..1"),
  std: described(v.array(v.pipe(v.number(), v.gtValue(0))), "standard deviation of each channel, on the same scale"),
  layout: described(v.picklist(["nchw", "nhwc"]), "order of the image input's dimensions"),
  labels: path("names of the classes"),
  calibration: path("examples"),
  calibrationCount: described(whole(1, 1e6), "how many of them to use"),
  validation: path("labelled examples on which budgets are kept"),
  validationCount: described(whole(1, 1e7), "how many of them to use"),
  split: described(
    v.pipe(
      v.strictTuple([part, part, part]),
      v.check((shares) => Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-6, "the shares must sum to 1"),
    ),
    "shares of train, validation and test, into which the calibration data are split by the seed",
  ),
  resize: described(v.picklist(RESIZE_MODES), "how images are made to fit the input"),
  crop: described(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), "with cover, how much of the shorter side is kept"),
  sampleRate: described(whole(1000, 768000), "rate that the model hears sound at, in Hz"),
  columns: described(v.array(v.string()), "columns of a table that make the input"),
  labelColumn: described(v.string(), "column of a table with the class"),
  skipBad: described(v.boolean(), "leave out bad items and duplicates, and say which"),
  augment: described(AUGMENT, "changes made to calibration items"),
  seed: described(whole(0, 2 ** 32 - 1), "chooses the examples"),
  observer: described(
    v.picklist(Object.keys(OBSERVERS) as Observer["kind"][]),
    "how the range of activations is chosen, where there are no steps",
  ),
  percentile: described(v.pipe(v.number(), v.gtValue(50), v.maxValue(100)), "how much of the values the percentile observer keeps"),
  coding: described(v.picklist(CODINGS), "load fast, or be as small as can be"),
  steps: described(v.array(v.looseObject({ step: v.string() })), "what is done to the model, in this order"),
  resume: path("a folder in which a run that was killed finds what it had reached"),
  report: path("a full report: .html to be read, .json for programs"),
  saveMask: path("an .npz with the weights that were removed, for the mask step"),
});

export type Config = Omit<v.InferOutput<typeof CONFIG>, "steps" | "$schema"> & { readonly steps?: readonly StepSpec[] };

/** Which of the options are paths. */
const PATHS = [
  "model",
  "out",
  "labels",
  "calibration",
  "validation",
  "resume",
  "report",
  "saveMask",
] as const satisfies readonly (keyof Config)[];

/** For configurations in TypeScript: `export default defineConfig({ … })`. */
export const defineConfig = (config: Config): Config => config;

/** The configuration in the working directory, if there is one. */
export const configHere = (): string | undefined => CONFIG_NAMES.find((name) => existsSync(name));

/** Reads a configuration. Throws FILE where it cannot be read, CONFIG with all that is wrong in it. */
export async function readConfig(file: string): Promise<Config> {
  const value = extname(file) === ".json" ? readJson(file) : await importDefault(file);
  const result = v.safeParse(CONFIG, value);
  if (!result.success) throw new EdgepackError("CONFIG", `${file} is no configuration:`, describeIssues(result.issues, "", CONFIG));
  const { $schema: _, steps, ...options } = result.output;
  if (steps) checkRecipe(steps);
  const fromHere = <T extends Record<string, unknown>>(options: T, names: readonly string[]): T => {
    const paths = names.flatMap((name) => {
      const path = options[name];
      return typeof path === "string" ? [[name, isAbsolute(path) ? path : join(dirname(file), path)] as const] : [];
    });
    return { ...options, ...Object.fromEntries(paths) };
  };
  const resolved = steps?.map((spec) => fromHere(spec, stepOf(spec.step as StepName).paths ?? []));
  return { ...fromHere(options, PATHS), ...(resolved && { steps: resolved as unknown as readonly StepSpec[] }) };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw new EdgepackError("CONFIG", `${file}: ${error.message}`, [], { cause: error });
    throw fileError(error, `${file} cannot be read`);
  }
}

async function importDefault(file: string): Promise<unknown> {
  if (!existsSync(file)) throw new EdgepackError("FILE", `${file} does not exist`);
  const { createJiti } = await import("jiti");
  const url = pathToFileURL(resolve(file)).href;
  try {
    return await createJiti(url, { fsCache: false, moduleCache: false }).import(url, { default: true });
  } catch (error) {
    throw new EdgepackError("CONFIG", `${file} cannot be run: ${(error as Error).message}`, [], { cause: error });
  }
}
