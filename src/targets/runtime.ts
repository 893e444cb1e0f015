import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { EdgepackError } from "../errors.ts";
import { trimModule } from "../trim/trim.ts";

/** The runtime as a target ships it: `edgepack/run` in one script, twice, and the kernels, twice. */
export interface Runtime {
  /** An ES module. */
  readonly module: string;
  /** The same as a classic script: one `var edgepackRuntime = …`. */
  readonly classic: string;
  readonly simd: Uint8Array;
  readonly scalar: Uint8Array;
}

/** Where this package lies: asked of the resolver, because bundles and sources stand at different depths. */
const root = new URL(".", pathToFileURL(createRequire(import.meta.url).resolve("edgepack/package.json")));

/**
 * Reads a file that ships with edgepack, by its path in the package.
 * @throws EdgepackError FILE where the installation is not whole.
 */
export async function readShipped(path: string): Promise<Uint8Array> {
  try {
    return await readFile(new URL(path, root));
  } catch (cause) {
    throw new EdgepackError(
      "FILE",
      `edgepack's own file ${path} is missing: install edgepack again, or run \`npm run build\` in a clone`,
      [],
      {
        cause,
      },
    );
  }
}

/** The runtime that this version of edgepack was built with, its kernels those that plans of these ops need. */
export async function readRuntime(ops: ReadonlySet<number>): Promise<Runtime> {
  const kernels = async (path: string) => trimModule(await readShipped(path), ops);
  const text = async (path: string) => new TextDecoder().decode(await readShipped(path));
  const [module, classic, simd, scalar] = await Promise.all([
    text("dist/runtime/edgepack.js"),
    text("dist/runtime/edgepack.iife.js"),
    kernels("dist/simd.wasm"),
    kernels("dist/scalar.wasm"),
  ]);
  return { module, classic, simd, scalar };
}
