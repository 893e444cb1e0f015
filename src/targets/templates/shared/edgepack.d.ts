/** The types of `edgepack.js`, the runtime: `edgepack/run` in one file. */

export type TypedArray = Float32Array | Int8Array | Uint8Array | Int32Array;

/** An input or an output of a model. */
export interface Port {
  readonly name: string;
  readonly dtype: "f32" | "i8" | "u8" | "i32" | "bool";
  readonly shape: readonly number[];
}

/** How raw bytes become the model's input: (byte / 255 − mean[c]) / std[c], laid out as `layout` says. */
export interface Preprocess {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: "nchw" | "nhwc";
}

export interface InputPort extends Port {
  readonly preprocess?: Preprocess;
}

/** A loaded model. `run` is synchronous; what it gives belongs to the caller. */
export interface Model<
  Inputs extends Record<string, TypedArray> = Record<string, TypedArray>,
  Outputs extends Record<string, TypedArray> = Record<string, TypedArray>,
> {
  readonly name: string;
  readonly inputs: readonly InputPort[];
  readonly outputs: readonly Port[];
  readonly labels?: readonly string[];
  run(inputs: Inputs): Outputs;
  dispose(): void;
}

/** The one error type of the runtime; `code` is for programs, `message` says what to do. */
export declare class EdgepackError extends Error {
  readonly code: string;
  readonly problems: readonly string[];
}

/** The bytes of a file, or where to fetch them. */
export type Source = ArrayBuffer | Uint8Array | Response | URL | string | Promise<ArrayBuffer | Uint8Array | Response>;

export interface LoadOptions {
  /** The kernels, compiled. */
  readonly wasm?: WebAssembly.Module | { readonly simd: Source; readonly scalar: Source };
}

/**
 * Loads a `.epk`. The type of its inputs and outputs is the caller's claim; `run` checks names, types and lengths all the same.
 * @throws EdgepackError EPK_INVALID, EPK_VERSION, WASM_UNAVAILABLE
 */
export declare function load<
  Inputs extends Record<string, TypedArray> = Record<string, TypedArray>,
  Outputs extends Record<string, TypedArray> = Record<string, TypedArray>,
>(source: Source, options?: LoadOptions): Promise<Model<Inputs, Outputs>>;

/** The `k` greatest of `values`, greatest first. */
export declare function topK(
  values: ArrayLike<number>,
  k: number,
  labels?: readonly string[],
): { index: number; score: number; label?: string }[];
