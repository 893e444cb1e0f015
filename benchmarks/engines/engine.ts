import type { InputPort } from "../../src/format/image.ts";

/** A net made ready in some engine. */
export interface Engine {
  /** One inference, with handing over the input as a user does; a promise where the engine gives one. */
  run(): unknown;
  /** The outputs that an answer of `run` has, in the model's order and the engine's layout. */
  read(answer: unknown): Promise<ArrayLike<number>[]> | ArrayLike<number>[];
}

/** A value for each input, and what of it engines need to know. */
export interface Feed extends Pick<InputPort, "name" | "dtype" | "shape"> {
  readonly data: Float32Array | Int32Array | Uint8Array | Int8Array;
}
