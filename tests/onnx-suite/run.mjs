// The ONNX backend test suite through build, load and run: `npm run test:onnx -- [--only pattern] [--build simd|scalar|relaxed] [--dist folder] [--json]`.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

// Bundled into tests/, so that packages and the project's files are found from there.
const bundle = join(root, `tests/.onnx-suite-${process.pid}.mjs`);
await build({
  entryPoints: [join(import.meta.dirname, "suite.ts")],
  outfile: bundle,
  bundle: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  logLevel: "warning",
});
const suite = await import(pathToFileURL(bundle).href).finally(() => rm(bundle));
process.exitCode = await suite.main(process.argv.slice(2), pathToFileURL(`${root}/`));
