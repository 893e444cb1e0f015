import { CHUNK_PLAIN, ChunkField, LANES } from "../../assembly/shared/container.ts";
import { IMAGE_START } from "../../assembly/shared/plan.ts";
import { invalid } from "./container.ts";
import type { InputPort, Meta, OutputPort, Preprocess } from "./image.ts";

/** Element types of ports, their bytes in memory and the typed arrays that hold them. */
export const PORT_ARRAYS = { f32: Float32Array, i8: Int8Array, u8: Uint8Array, i32: Int32Array, bool: Uint8Array } as const;

/** End of all that a module's memory can hold: addresses in plans are 31 bits wide. */
export const MEMORY_LIMIT = 2 ** 31;

/** The most that a byte of chunks can fill, those of head and coder's states alone, expansion to f32 and the gaps between pieces counted. */
const MOST_FILLED = (8 * CHUNK_PLAIN) / (ChunkField.body + 4 * LANES);

export const elementsOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

const isCount = (x: unknown, least = 0): x is number => Number.isInteger(x) && (x as number) >= least && (x as number) < MEMORY_LIMIT;
const isText = (x: unknown): x is string => typeof x === "string";
const isList = (x: unknown, item: (x: unknown) => boolean): boolean => Array.isArray(x) && x.every(item);
const isReal = (x: unknown): boolean => Number.isFinite(x);

/**
 * The metadata section, checked: whatever it says, addresses lie in memory and are aligned, and the image is no larger than `chunks` bytes of chunks
 * can fill. Throws EPK_INVALID.
 */
export function readMeta(section: Uint8Array, chunks: number): Meta {
  let meta: Meta;
  try {
    meta = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section));
  } catch {
    throw invalid("its metadata is no JSON");
  }
  const problem = problemOf(meta, chunks);
  if (problem) throw invalid(`its metadata has a wrong ${problem}`);
  return meta;
}

function problemOf(meta: Meta, chunks: number): string | undefined {
  const { name, inputs, outputs, labels, plan, memory, image }: Meta = Object(meta);
  if (!isText(name)) return "name";
  if (!isCount(image, IMAGE_START) || image % 16 || image > IMAGE_START + chunks * MOST_FILLED) return "image";
  if (!isCount(memory, image)) return "memory";
  if (!isCount(plan, IMAGE_START) || plan % 4 || plan > image - 4) return "plan";
  if (labels !== undefined && !isList(labels, isText)) return "labels";
  for (const ports of [inputs, outputs]) {
    if (!isList(ports, (port) => isPort(port as InputPort & OutputPort, memory))) return ports === inputs ? "inputs" : "outputs";
    if (new Set(ports.map((port) => port.name)).size < ports.length) return "name twice";
  }
  return undefined;
}

function isPort(port: InputPort & OutputPort, memory: number): boolean {
  if (!isText(port?.name) || !Object.hasOwn(PORT_ARRAYS, port.dtype)) return false;
  if (!isList(port.shape, (d) => isCount(d)) || !isCount(port.at, IMAGE_START)) return false;
  const size = PORT_ARRAYS[port.dtype].BYTES_PER_ELEMENT;
  if (port.at % size || !(port.at + elementsOf(port.shape) * size <= memory)) return false;
  if (port.bound !== undefined || port.length !== undefined) {
    if (!isCount(port.bound) || port.bound >= port.shape.length) return false;
    if (!isCount(port.length, IMAGE_START) || port.length % 4 || port.length > memory - 4) return false;
  }
  return port.preprocess === undefined || isPreprocess(port);
}

/** Images of the last three dimensions, with as many means and deviations as channels. */
function isPreprocess({ dtype, shape, preprocess }: InputPort): boolean {
  const { mean, std, layout }: Preprocess = Object(preprocess);
  if (dtype !== "f32" || shape.length < 3) return false;
  if (layout !== "nchw" && layout !== "nhwc") return false;
  const channels = shape[shape.length - (layout === "nchw" ? 3 : 1)];
  return isList(mean, isReal) && isList(std, (s) => isReal(s) && s !== 0) && mean.length === channels && std.length === channels;
}
