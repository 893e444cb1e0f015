import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { fileError } from "../data/file-error.ts";
import type { Dataset, InputSpec } from "../data/index.ts";
import { imageInput } from "../data/pixels.ts";
import { EdgepackError } from "../errors.ts";
import type { Preprocess } from "../format/image.ts";
import { type Terminal, warn } from "./terminal.ts";
import { type Fixed, fixed, numbers, oneOf, positiveNumbers, type Shapes, shape } from "./values.ts";

/** What the file of an ONNX model does not say and a pack keeps. */
export interface ModelOptions {
  readonly shape?: Shapes;
  readonly fix?: Fixed;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly layout?: Preprocess["layout"];
  readonly labels?: string;
}

const NAMES = ["shape", "fix", "mean", "std", "layout", "labels"] as const satisfies readonly (keyof ModelOptions)[];

export function addModelOptions(command: Command): Command {
  return command
    .addOption(new Option("--shape <name=dims>", "fix an input's shape, as in image=1,3,224,224; repeatable").argParser(shape))
    .addOption(new Option("--fix <name=values>", "make an input a constant, as in sr=16000; repeatable").argParser(fixed))
    .addOption(
      new Option("--mean <list>", "mean of each channel of an image whose bytes are scaled to 0..1, as in 0.485,0.456,0.406").argParser(
        numbers,
      ),
    )
    .addOption(new Option("--std <list>", "standard deviation of each channel, on the same scale").argParser(positiveNumbers))
    .addOption(new Option("--layout <layout>", "order of the image input's dimensions: nchw or nhwc").argParser(oneOf("nchw", "nhwc")))
    .addOption(new Option("--labels <file>", "names of the classes: one a line, or a JSON array"));
}

/** Refuses options that only an .onnx file needs where a pack is given, which carries the answers. */
export function refuseModelOptions(options: ModelOptions, path: string): void {
  const given = NAMES.filter((name) => options[name] !== undefined);
  if (given.length > 0)
    throw new EdgepackError(
      "USAGE",
      `${given.map((n) => `--${n}`).join(", ")}: ${path} is a pack and has these built in; give them to \`edgepack build\``,
    );
}

const perChannel = (values: readonly number[] | undefined, channels: number, fallback: number, option: string): number[] => {
  if (!values) return new Array(channels).fill(fallback);
  if (values.length === 1) return new Array(channels).fill(values[0]);
  if (values.length !== channels)
    throw new EdgepackError(
      "USAGE",
      `${option} has ${values.length} numbers, and the model's image has ${channels} channel${channels === 1 ? "" : "s"}`,
    );
  return [...values];
};

/** The preprocessing that the options describe, for a model with these inputs; undefined where they describe none. */
export function preprocessOf({ mean, std, layout }: ModelOptions, inputs: readonly InputSpec[]): Preprocess | undefined {
  if (!mean && !std && !layout) return undefined;
  const wanted = layout && { mean: [], std: [], layout };
  const readings = inputs.flatMap((input) => {
    if (input.shape.length !== 4 || input.dtype !== "f32") return [];
    try {
      return [imageInput({ ...input, preprocess: wanted })];
    } catch {
      return [];
    }
  });
  if (readings.length === 0) {
    const shapes = inputs.map((input) => `${input.name}[${input.shape.join(",")}]`).join(", ");
    throw new EdgepackError("USAGE", `--mean, --std and --layout describe an image, and no input of the model is one: ${shapes}`);
  }
  const [{ channels, planar }] = readings;
  return {
    mean: perChannel(mean, channels, 0, "--mean"),
    std: perChannel(std, channels, 1, "--std"),
    layout: planar ? "nchw" : "nhwc",
  };
}

/** The inputs with the preprocessing at those that it fits: f32 images with as many channels as it has means. */
export function withPreprocess(inputs: readonly InputSpec[], preprocess: Preprocess | undefined): InputSpec[] {
  const axis = preprocess?.layout === "nhwc" ? 3 : 1;
  const fits = ({ shape, dtype }: InputSpec) => dtype === "f32" && shape.length === 4 && shape[axis] === preprocess?.mean.length;
  return inputs.map((input) => (fits(input) ? { ...input, preprocess } : input));
}

/** Warns where images meet a model that was given no preprocessing: trained on normalized images, it would see others. */
export function warnUnnormalized(terminal: Terminal, { kind }: Dataset, inputs: readonly InputSpec[]): void {
  if (kind !== "images" || inputs.some(({ preprocess }) => preprocess)) return;
  warn(
    terminal,
    "the model was built without --mean and --std: images are scaled to 0..1, which is wrong if it was trained on normalized ones",
  );
}

const MAX_LABEL_BYTES = 16 * 2 ** 20;

/** Names of classes from a file: one a line, or a JSON array of strings. */
export function readLabels(path: string): string[] {
  let text: string;
  try {
    if (statSync(path).size > MAX_LABEL_BYTES) throw new EdgepackError("DATA_INVALID", `${path}: too large for a file of labels`);
    text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw fileError(error, `${path} cannot be read`);
  }
  if (text.trimStart().startsWith("[")) {
    const names = parseJson(path, text);
    if (Array.isArray(names) && names.length > 0 && names.every((n) => typeof n === "string")) return names;
    throw new EdgepackError("DATA_INVALID", `${path}: its JSON is no array of strings`);
  }
  const lines = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  const empty = lines.indexOf("");
  if (empty >= 0) throw new EdgepackError("DATA_INVALID", `${path}: line ${empty + 1} is empty; each line names one class`);
  return lines;
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EdgepackError("DATA_INVALID", `${path}: ${(error as Error).message}`, [], { cause: error });
  }
}

/** Reads the files of a model's external data, once each, from its own folder. */
export function externalDataOf(modelPath: string): (location: string) => Uint8Array {
  const files = new Map<string, Uint8Array>();
  return (location) => {
    const path = join(dirname(modelPath), location);
    try {
      const bytes = files.get(path) ?? readFileSync(path);
      files.set(path, bytes);
      return bytes;
    } catch (error) {
      throw fileError(error, `${path}, which holds data of ${modelPath}, cannot be read`);
    }
  };
}
