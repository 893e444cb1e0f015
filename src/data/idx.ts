import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Dataset, invalid, type OpenOptions } from "./dataset.ts";
import { GZIP_MAGIC, gunzipExactly, gunzipHead, readBytes, startsWith } from "./file.ts";
import { imageInput, MAX_PIXELS, toInput } from "./pixels.ts";

/** The file format of MNIST (yann.lecun.com/exdb/mnist): two zero bytes, an element type, a rank, big-endian dimensions, then the elements. */
interface Idx {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

const U8 = 0x08;

/** Whether a file that begins so is idx, or gzip (the only gzip files read are idx). */
export function isIdx(head: Uint8Array): boolean {
  return startsWith(head, GZIP_MAGIC) || (head.length >= 4 && startsWith(head, [0, 0]) && head[2] >= 8 && head[2] <= 14 && head[3] > 0);
}

function readIdx(path: string, rank: number): Idx {
  const bytes = readBytes(path);
  const packed = startsWith(bytes, GZIP_MAGIC);
  const head = packed ? gunzipHead(path, bytes) : bytes;
  const begin = 4 + 4 * rank;
  if (!startsWith(head, [0, 0]) || head.length < 4) throw invalid(path, "not an idx file");
  if (head[2] !== U8) throw invalid(path, `its elements are of idx type 0x${head[2].toString(16)}; only unsigned bytes (0x8) are read`);
  if (head[3] !== rank) throw invalid(path, `it has ${head[3]} dimensions where ${rank} are expected`);
  if (head.length < begin) throw invalid(path, "it ends within its header");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = begin + dims.reduce((n, d) => n * d, 1);
  if (!packed && size !== bytes.length)
    throw invalid(
      path,
      `its header announces ${dims.join("×")} bytes, which makes ${size} with the header, but the file has ${bytes.length}`,
    );
  const whole = packed ? gunzipExactly(path, bytes, size) : bytes;
  return { dims, data: whole.subarray(begin) };
}

/** The file of labels beside a file of images: the same name with `labels` and `idx1`, packed or not. */
function labelsBeside(path: string): string | undefined {
  const name = basename(path)
    .replace(/\.gz$/, "")
    .replace(/images?/, "labels")
    .replace("idx3", "idx1");
  if (name === basename(path).replace(/\.gz$/, "")) return undefined;
  return [name, `${name}.gz`].map((n) => join(dirname(path), n)).find((p) => existsSync(p));
}

/** Gray images of an `idx3-ubyte` file, with the labels of the `idx1-ubyte` file beside it where there is one. Packed or not. */
export function openIdx(path: string, options: OpenOptions): Dataset {
  const { inputs } = options;
  if (inputs.length !== 1)
    throw invalid(path, `images feed one input, and the model has ${inputs.length}; give an .npz with an array for each`);
  const input = imageInput(inputs[0], options);
  const { dims, data } = readIdx(path, 3);
  const [count, height, width] = dims;
  if (count === 0 || height === 0 || width === 0 || height * width > MAX_PIXELS) throw invalid(path, `it holds ${dims.join("×")} pixels`);
  const beside = labelsBeside(path);
  const labels = beside === undefined ? undefined : Int32Array.from(readIdx(beside, 1).data);
  if (labels && labels.length !== count) throw invalid(beside!, `it has ${labels.length} labels for ${count} images`);
  const size = height * width;
  return {
    count,
    labels,
    kind: "images",
    description: `${count} images of ${width}×${height} from ${path}`,
    async item(i) {
      return { [input.name]: toInput({ width, height, channels: 1, data: data.subarray(i * size, (i + 1) * size) }, input) };
    },
  };
}
