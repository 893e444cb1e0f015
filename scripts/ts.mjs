// Runs a TypeScript file of this repository, with what it imports from src/: `node scripts/ts.mjs benchmarks/bench.ts --help`.
import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const [file, ...rest] = process.argv.slice(2);
// Inside node_modules, so that packages are found from there; a folder deep, as src/run and src/targets expect to lie.
const outfile = `${root}node_modules/.edgepack/${basename(file)}.mjs`;
await mkdir(`${root}node_modules/.edgepack`, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: [file],
  outfile,
  bundle: true,
  packages: "external",
  external: ["../dist/*"],
  format: "esm",
  platform: "node",
  target: "node20",
});
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(outfile).href);
