/**
 * What a `.epk` holds once it is read: metadata, and the image of the constant part of wasm memory.
 * The planner makes it, the writer stores it, `load` rebuilds it.
 */

/**
 * Weights as kernels read them: [groups][⌈n/lanes⌉][⌈k/inner⌉][lanes][inner], outputs in lanes of panels, what they sum over in rows of `inner`.
 * What lies beyond n or k is padding.
 */
export interface Panels {
  /** Outputs of one group. */
  readonly n: number;
  readonly k: number;
  readonly lanes: number;
  readonly inner: number;
}

/** A run of equal-typed constants in the image: packed weights, biases, scales, tables, or the plan itself. */
export interface Region {
  /** Address in wasm memory of the first byte; a multiple of 16. */
  readonly at: number;
  readonly data: Int8Array | Uint8Array | Int32Array | Float32Array;
  /** Weights stored as i8 on a grid that are expanded to f32 as they are unpacked: element i times scale[⌊i / block⌋ · lanes + i mod lanes]. */
  readonly expand?: { readonly scale: Float32Array; readonly lanes: number; readonly block: number };
  /** Where the data have padding: it must be zero, and takes no room in the file. */
  readonly panels?: Panels;
}

/** How raw bytes become the model's input: (byte / 255 − mean[c]) / std[c], laid out as `layout` says. */
export interface Preprocess {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: "nchw" | "nhwc";
}

export interface Port {
  readonly name: string;
  readonly dtype: "f32" | "i8" | "u8" | "i32" | "bool";
  readonly shape: readonly number[];
  /** Address of the first byte in wasm memory. */
  readonly at: number;
}

export interface InputPort extends Port {
  readonly preprocess?: Preprocess;
}

export interface OutputPort extends Port {
  /** An axis along which data decide how much there is: `shape` has the most there can be, and an i32 at `length` tells after a run how much it was. */
  readonly bound?: number;
  readonly length?: number;
}

/** The JSON section of a `.epk`. */
export interface Meta {
  readonly name: string;
  readonly inputs: readonly InputPort[];
  readonly outputs: readonly OutputPort[];
  readonly labels?: readonly string[];
  /** Address of the plan's first word. */
  readonly plan: number;
  /** End of the memory that the model uses, in bytes from 0: the image, then the arena of activations and scratch. */
  readonly memory: number;
  /** End of the image, in bytes from 0. What lies between it and `memory` is free while the image is unpacked. */
  readonly image: number;
}

export interface Pack {
  readonly meta: Meta;
  readonly regions: readonly Region[];
}

/** How weights are coded: for the fastest decoding, for small size where that costs little speed, or as small as can be. */
export const CODINGS = ["fast", "balanced", "smallest"] as const;
export type Coding = (typeof CODINGS)[number];
