// Builds dist/: the wasm modules from assembly/, the bundles and their types from src/. Run by `npm run build` and on install in a clone.
import { execFileSync } from "node:child_process";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const root = new URL("..", import.meta.url);
const only = process.argv[2];

const run = (script, args) => execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });

if (!only || only === "wasm") {
  for (const [target, entries] of [
    ["simd", ["assembly/run.ts", "assembly/kernels/panels.ts"]],
    ["relaxed", ["assembly/run.ts", "assembly/kernels/panels.ts"]],
    ["scalar", ["assembly/run.ts"]],
  ])
    run(require.resolve("assemblyscript/bin/asc.js"), [
      ...entries,
      "--config",
      "asconfig.json",
      "--transform",
      "./scripts/export-kernels.mjs",
      "--target",
      target,
    ]);
}

if (!only || only === "js") {
  const { dependencies } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  await build({
    absWorkingDir: new URL(".", root).pathname,
    entryPoints: { index: "src/index.ts", cli: "src/cli/main.ts", run: "src/run/index.ts" },
    outdir: "dist",
    bundle: true,
    splitting: true,
    // Beside the wasm files, since a chunk may hold the code that looks for them next to itself.
    chunkNames: "chunk-[hash]",
    define: { EDGEPACK_BUNDLED: "true" },
    format: "esm",
    platform: "node",
    target: "node20",
    external: Object.keys(dependencies),
  });
  await chmod(new URL("dist/cli.js", root), 0o755);
  await writeConfigSchema();

  // The runtime as targets ship it: one script without imports, as a module and as a classic script.
  for (const [format, name] of [
    ["esm", "edgepack.js"],
    ["iife", "edgepack.iife.js"],
  ])
    await build({
      absWorkingDir: new URL(".", root).pathname,
      entryPoints: ["src/run/index.ts"],
      outfile: `dist/runtime/${name}`,
      bundle: true,
      minify: true,
      format,
      globalName: format === "iife" ? "edgepackRuntime" : undefined,
      target: "es2022",
      define: { EDGEPACK_BUNDLED: "true" },
      logOverride: { "empty-import-meta": "silent" },
    });
}

/** What editors check configurations by, made of what the command line validates them with. The script that makes it lies in dist/ while it runs, where the package finds itself. */
async function writeConfigSchema() {
  const outfile = "dist/config-schema.mjs";
  await build({
    absWorkingDir: new URL(".", root).pathname,
    entryPoints: ["scripts/config-schema.ts"],
    outfile,
    bundle: true,
    packages: "external",
    define: { EDGEPACK_BUNDLED: "true" },
    format: "esm",
    platform: "node",
    target: "node20",
  });
  const { configSchema } = await import(new URL(outfile, root));
  await writeFile(new URL("dist/config.schema.json", root), `${JSON.stringify(configSchema(), null, 2)}\n`);
  await rm(new URL(outfile, root));
}

if (!only || only === "types") {
  await rm(new URL("dist/types", root), { recursive: true, force: true });
  run(require.resolve("typescript/bin/tsc"), ["-p", "tsconfig.build.json"]);
}
