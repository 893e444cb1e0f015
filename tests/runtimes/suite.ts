/** The smoke suite: what every runtime has to do with a package, whichever way it is asked. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bitsOf, expectedBits, PICTURES, packageFor } from "./sample.ts";

/** A package at work in some runtime. */
export interface Engine {
  /** The first output for a picture's raw bytes; rejects with the text that the package gives for an error. */
  run(picture: Uint8Array): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}

export interface Start<E extends Engine> {
  readonly target: string;
  /** The model's file in the package. */
  readonly model: string;
  start(folder: string): Promise<E>;
}

/** Declares the suite inside a `describe`; more tests may use what it returns once the suite has begun. */
export function smokeSuite<E extends Engine>({ target, model, start }: Start<E>): { engine(): E; folder(): string } {
  let folder: string | undefined;
  let engine: E | undefined;
  const running = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the runtime did not start");
    return value;
  };

  beforeAll(async () => {
    folder = await packageFor(target);
    engine = await start(folder);
  });
  afterAll(() => engine?.close());

  it("answers with the bits that this process computes", async () => {
    const expected = await expectedBits(await readFile(join(running(folder), model)), "simd");
    for (const [i, picture] of PICTURES.entries()) {
      const bits = bitsOf(await running(engine).run(picture));
      expect(bits, `picture ${i}`).toEqual(expected[i]);
    }
    expect(new Set(expected.map(String)).size, "pictures that give different answers").toBe(PICTURES.length);
  });

  it("says what is wrong with an input of another length, and goes on working", async () => {
    await expect(running(engine).run(new Uint8Array(783))).rejects.toThrow(/783/);
    expect((await running(engine).run(PICTURES[1]!)).length).toBe(10);
  });

  return { engine: () => running(engine), folder: () => running(folder) };
}
