/** Where the engines that edgepack is compared with lie. Each set has a lockfile of its own, and is installed when it is first needed. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ROOT } from "./fashion-mnist.ts";

/** A folder with a package.json: `tests/peers` has onnxruntime-web and models, `benchmarks/peers` TensorFlow.js. */
export type PeerFolder = "tests/peers" | "benchmarks/peers";

/** Imports a package of a set of peers, as far as `M` says; install scripts do not run. */
export async function importPeer<M>(folder: PeerFolder, name: string): Promise<M> {
  const base = new URL(`${folder}/`, ROOT);
  if (!existsSync(new URL(`node_modules/${name}/package.json`, base))) {
    console.log(`installing ${folder}`);
    execFileSync("npm", ["ci", "--ignore-scripts", "--prefix", fileURLToPath(base)], { stdio: ["ignore", "ignore", "inherit"] });
  }
  const require = createRequire(new URL("package.json", base));
  return import(pathToFileURL(require.resolve(name)).href);
}

export function peerVersion(folder: PeerFolder, name: string): string {
  return JSON.parse(readFileSync(new URL(`${folder}/node_modules/${name}/package.json`, ROOT), "utf8")).version;
}
