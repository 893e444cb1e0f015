/** Where a run writes down what it has reached after each step, so that it can go on from there when it was killed. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { version } from "../../package.json";
import { fileError } from "../data/file-error.ts";
import type { CheckedStep } from "./recipe.ts";
import type { State } from "./state.ts";

const DIGEST_BYTES = 32;

const digestOf = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export class Checkpoints {
  readonly #files: readonly string[];
  readonly #folder: string;

  /** `identity` is all that the result depends on besides the steps: the model, the data, the seed. */
  constructor(folder: string, steps: readonly CheckedStep[], identity: string) {
    this.#folder = folder;
    this.#files = steps.map((_, i) => {
      const key = digestOf(version, identity, JSON.stringify(steps.slice(0, i + 1))).toString("hex");
      return join(folder, `${key.slice(0, 32)}.step`);
    });
  }

  /** The last step whose state is there, whole and of this very run. */
  latest(): { readonly step: number; readonly state: State } | undefined {
    for (let step = this.#files.length - 1; step >= 0; step--) {
      if (!existsSync(this.#files[step])) continue;
      const bytes = readFileSync(this.#files[step]);
      const body = bytes.subarray(DIGEST_BYTES);
      // What was not written to its end, or by somebody else, is as good as not there.
      if (digestOf(body).equals(bytes.subarray(0, DIGEST_BYTES))) return { step, state: deserialize(body) as State };
    }
    return undefined;
  }

  /** Throws FILE where nothing can be written. */
  save(step: number, state: State): void {
    const body = serialize(state);
    const unfinished = `${this.#files[step]}.${process.pid}`;
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(unfinished, Buffer.concat([digestOf(body), body]));
      renameSync(unfinished, this.#files[step]);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw fileError(error, `${this.#folder} cannot be written`);
    }
  }

  /** Called when the run is over: nothing is left to go on from. */
  clear(): void {
    for (const file of this.#files) rmSync(file, { force: true });
  }
}
