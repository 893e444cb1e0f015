/** The types of `edgepack.js`, the runtime: `edgepack/run` in one file. */

export type TypedArray = Float32Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array;

interface PortInfo {
  readonly name: string;
  readonly dtype: "f32" | "i8" | "u8" | "i32" | "bool";
  readonly shape: readonly number[];
}

/** An output of a model. */
export interface OutputInfo extends PortInfo {
  /** An axis along which data decide how much there is: `shape` has the most there can be, results have what there is. */
  readonly bound?: number;
}

/** How raw bytes become the model's input: (byte / 255 − mean[c]) / std[c], laid out as `layout` says. */
export interface Preprocess {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: "nchw" | "nhwc";
}

/** An input; one that has `preprocess` takes a picture's raw bytes as well. */
export interface InputInfo extends PortInfo {
  readonly preprocess?: Preprocess;
}

/** A loaded model. It owns a wasm instance, which is garbage once the model is. */
export interface Model<
  Inputs extends Record<string, TypedArray> = Record<string, TypedArray>,
  Outputs extends Record<string, TypedArray> = Record<string, TypedArray>,
> {
  readonly name: string;
  readonly inputs: readonly InputInfo[];
  readonly outputs: readonly OutputInfo[];
  readonly labels?: readonly string[];
  /** Bytes of wasm memory in all, of constants in it, and of activations and scratch. */
  readonly memory: { readonly bytes: number; readonly image: number; readonly arena: number };
  /**
   * One inference. Each input is an array of its element type and count; one that has `preprocess` takes raw bytes too: height × width × channels,
   * or × 4 as a canvas gives them. The results are copies, written into `outputs` where it has arrays for them;
   * of a bounded output what there is, in a part of the array.
   * @throws EdgepackError INPUT_INVALID, with all that is wrong at once
   */
  run(inputs: Inputs, outputs?: Partial<Outputs>): Outputs;
  /** Lets go of the memory; `run` throws from then on. */
  dispose(): void;
}

/** The one error type of the runtime: `code` is for programs, `message` says what to do. */
export declare class EdgepackError extends Error {
  readonly code: string;
  readonly problems: readonly string[];
}

/** Bytes, or where they are. A string is a URL; in Node a plain path as well. */
export type Source = ArrayBuffer | ArrayBufferView | Response | URL | string;

/** The kernels: a compiled module or its bytes, or both builds, of which the engine's abilities pick one. */
export type WasmSource =
  | WebAssembly.Module
  | Source
  | PromiseLike<WebAssembly.Module | Source>
  | { readonly relaxed?: WasmSource; readonly simd: WasmSource; readonly scalar: WasmSource };

export interface LoadOptions {
  /** The kernels, where they are not beside the script: in Workers the imported module. */
  readonly wasm?: WasmSource;
}

/**
 * Reads a `.epk`, checks it, and unpacks it. The types of its inputs and outputs are the caller's claim; `run` checks all the same.
 * @throws EdgepackError FILE, EPK_INVALID, EPK_VERSION, WASM_UNAVAILABLE, LIMIT
 */
export declare function load<
  Inputs extends Record<string, TypedArray> = Record<string, TypedArray>,
  Outputs extends Record<string, TypedArray> = Record<string, TypedArray>,
>(source: Source | PromiseLike<Source>, options?: LoadOptions): Promise<Model<Inputs, Outputs>>;

export interface Ranked {
  readonly index: number;
  readonly label?: string;
  readonly score: number;
}

/** The `k` largest of `values`, largest first; of equal ones the first. NaN ranks last. */
export declare function topK(values: ArrayLike<number>, k: number, labels?: readonly string[]): Ranked[];
