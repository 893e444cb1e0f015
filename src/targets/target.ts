import type { Meta } from "../format/image.ts";
import type { Limit } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

/** What a target is written from. */
export interface TargetInput {
  /** The whole `.epk`. */
  readonly epk: Uint8Array;
  readonly meta: Meta;
  /** Names the package and shows in its pages; any text. */
  readonly modelName: string;
  readonly runtime: Runtime;
}

/** Relative path with `/` → contents. */
export type Files = Map<string, Uint8Array | string>;

/** A place that models are deployed to: what it is called, what it receives, and what it allows. */
export interface Target {
  readonly title: string;
  readonly description: string;
  readonly limits: readonly Limit[];
  files(input: TargetInput): Promise<Files>;
}
