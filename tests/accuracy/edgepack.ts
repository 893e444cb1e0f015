/** The command line as a user runs it, and where the data and models of the accuracy suites are. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The folder of Debian's package dataset-fashion-mnist, or of another copy of the same four files. */
export const FASHION_MNIST = process.env.EDGEPACK_FASHION_MNIST ?? "/usr/share/datasets/fashion-mnist";

/** A model of the suite: two lie in the examples, the others here. */
export function modelPath(name: string): string {
  const example = join(root, "examples/fashion-mnist", `${name}.onnx`);
  return existsSync(example) ? example : join(root, "tests/accuracy/models", `${name}.onnx`);
}

/** Runs a command and returns what it prints with --json, of which the suites read numbers; rejects with what it says on stderr. */
export async function edgepack(...args: string[]): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, "dist/cli.js"), ...args, "--json"], { maxBuffer: 2 ** 28 });
  return JSON.parse(stdout);
}

/** Calls `use` with a fresh folder, and removes it. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "edgepack-accuracy-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
