import { unzipSync } from "fflate";
import type { Port } from "../format/image.ts";
import { type Dataset, type InputSpec, type ItemData, invalid, type OpenOptions, type Part } from "./dataset.ts";
import { toElements } from "./elements.ts";
import { DEFLATE_MAX_RATIO, readBytes, startsWith } from "./file.ts";
import type { Fit } from "./fit.ts";
import { NPY_MAGIC, type NpyArray, parseNpy } from "./npy.ts";
import { imageInput, toInput } from "./pixels.ts";

export const ZIP_MAGIC = [0x50, 0x4b, 0x03, 0x04] as const;

/** Unpacked size of an .npz above which it is refused. */
const MAX_UNPACKED = 2 ** 31 - 1;

type Arrays = ReadonlyMap<string, NpyArray>;

/** The arrays of an `.npz`, by name. Sizes are checked before anything is unpacked. */
export function readNpz(path: string): Arrays {
  let total = 0;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(readBytes(path), {
      filter({ name, size, originalSize }) {
        if (!name.endsWith(".npy")) return false;
        total += originalSize;
        if (originalSize > Math.max(size, 1) * DEFLATE_MAX_RATIO || total > MAX_UNPACKED)
          throw invalid(path, `its entry ${name} announces ${originalSize} bytes, more than can be`);
        return true;
      },
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === "DATA_INVALID") throw error;
    throw invalid(path, `not a readable .npz (${(error as Error).message})`, error);
  }
  return new Map(Object.entries(files).map(([name, bytes]) => [name.slice(0, -4), parseNpy(`${path}:${name}`, bytes)]));
}

const LABEL_NAMES = ["labels", "label", "y"] as const;

/** Names that well-known .npz datasets give their two halves: Keras and MedMNIST. */
const PART_NAMES: { readonly [P in Part]: readonly { readonly x: string; readonly y: string }[] } = {
  train: [
    { x: "x_train", y: "y_train" },
    { x: "train_images", y: "train_labels" },
  ],
  test: [
    { x: "x_test", y: "y_test" },
    { x: "test_images", y: "test_labels" },
  ],
};

/** Which array feeds which input, and which one holds the labels. */
function assign(path: string, arrays: Arrays, { inputs, part }: OpenOptions): { data: NpyArray[]; labels?: NpyArray } {
  if (arrays.has("") && inputs.length > 1)
    throw invalid(path, `a .npy array feeds one input, and the model has ${inputs.length}; give an .npz with an array for each`);
  const halves = PART_NAMES[part].find(({ x }) => arrays.has(x));
  if (halves && inputs.length === 1) return { data: [arrays.get(halves.x)!], labels: arrays.get(halves.y) };
  const labelName = LABEL_NAMES.find((name) => arrays.has(name) && !inputs.some((input) => input.name === name));
  const labels = labelName === undefined ? undefined : arrays.get(labelName);
  const rest = [...arrays].filter(([name]) => name !== labelName);
  if (inputs.length === 1 && rest.length === 1) return { data: [rest[0][1]], labels };
  const missing = inputs.filter(({ name }) => !arrays.has(name));
  if (missing.length > 0) {
    const names = [...arrays.keys()].join(", ") || "none";
    throw invalid(path, `it has no array for ${missing.map(({ name }) => `input ${name}`).join(", ")}; its arrays are: ${names}`);
  }
  return { data: inputs.map(({ name }) => arrays.get(name)!), labels };
}

const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((d, i) => d === b[i]);
const product = (dims: readonly number[]) => dims.reduce((n, d) => n * d, 1);

/** Converts elements to what the input holds; integers must fit, and floats do not become integers. */
function convert(path: string, { kind, data }: NpyArray, dtype: Port["dtype"]): ItemData {
  if (kind === "f" && dtype !== "f32") throw invalid(path, `it holds floats, and the input takes ${dtype}`);
  return toElements(path, data, dtype);
}

interface Column {
  readonly count: number;
  item(i: number): ItemData;
}

/** Bytes of images for an input that carries its preprocessing: [N,H,W] or [N,H,W,C] of any size, or [N,C,H,W] just as the model's. */
function imageColumn(path: string, array: NpyArray, spec: InputSpec, fit: Fit): Column | undefined {
  if (!spec.preprocess || !(array.data instanceof Uint8Array) || array.kind === "b") return undefined;
  const input = imageInput(spec, fit);
  const { data } = array;
  const planar = same(array.shape.slice(1), [input.channels, input.height, input.width]) && input.channels === 3;
  const gray = array.shape.length === 4 && array.shape[1] === 1 && input.channels === 1;
  const dims = gray ? [array.shape[0], ...array.shape.slice(2)] : array.shape;
  const [count, height, width, channels = 1] = planar ? [dims[0], dims[2], dims[3], dims[1]] : dims;
  if (dims.length < 3 || dims.length > 4 || (channels !== 1 && channels !== 3) || height * width === 0)
    throw invalid(path, `an array of bytes [${array.shape.join(",")}] is no batch of images [N,H,W,C] with C of 1 or 3`);
  const size = height * width * channels;
  const interleave = (bytes: Uint8Array) => bytes.map((_, k) => bytes[(k % channels) * height * width + Math.floor(k / channels)]);
  return {
    count,
    item(i) {
      const bytes = data.subarray(i * size, (i + 1) * size);
      return toInput({ width, height, channels, data: planar ? interleave(bytes) : bytes }, input);
    },
  };
}

/** Values in the input's own layout: [N, …] for an input of [1, …], [N, …] over its whole shape, or just one item. */
function valueColumn(path: string, array: NpyArray, { name, shape, dtype = "f32" }: InputSpec): Column {
  const item = shape.length > 0 && shape[0] === 1 ? shape.slice(1) : shape;
  const single = same(array.shape, shape);
  if (!single && !same(array.shape.slice(1), item) && !same(array.shape.slice(1), shape))
    throw invalid(
      path,
      `its shape [${array.shape.join(",")}] is neither [${shape.join(",")}], which input ${name} takes, nor [N,${item.join(",")}]`,
    );
  const size = product(shape);
  const data = convert(path, array, dtype);
  return { count: single ? 1 : array.shape[0], item: (i) => data.subarray(i * size, (i + 1) * size) };
}

function readLabels(path: string, labels: NpyArray, count: number): Int32Array {
  if (labels.kind === "f" || labels.data.length !== count)
    throw invalid(
      path,
      `its labels are ${labels.kind === "f" ? "floats" : `${labels.data.length} for ${count} items`}; one integer an item is needed`,
    );
  if (!labels.data.every((v: number) => v >= 0 && v < 2 ** 31)) throw invalid(path, "it has a label below 0 or above 2³¹ − 1");
  return Int32Array.from(labels.data);
}

/**
 * A `.npy` array for the model's only input, or an `.npz` with an array for each input (or one array) and, if there are any, the classes in
 * `labels` or `y`. Floats are in the model's own layout; bytes are images where the model carries its preprocessing.
 */
export function openArrays(path: string, options: OpenOptions): Dataset {
  const bytes = readBytes(path);
  const arrays: Arrays = startsWith(bytes, NPY_MAGIC) ? new Map([["", parseNpy(path, bytes)]]) : readNpz(path);
  const { data, labels } = assign(path, arrays, options);
  const images = options.inputs.map((spec, i) => imageColumn(path, data[i], spec, options));
  const columns = options.inputs.map((spec, i) => images[i] ?? valueColumn(path, data[i], spec));
  const count = columns[0].count;
  if (count === 0) throw invalid(path, "it holds no items");
  if (columns.some((c) => c.count !== count)) throw invalid(path, `its arrays differ in length: ${columns.map((c) => c.count).join(", ")}`);
  return {
    count,
    labels: labels && readLabels(path, labels, count),
    kind: images.every((column) => column) ? "images" : "values",
    description: `${count} items from ${path}`,
    async item(i) {
      return Object.fromEntries(options.inputs.map(({ name }, k) => [name, columns[k].item(i)]));
    },
  };
}
