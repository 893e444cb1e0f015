/** Before the suites: tests load the wasm modules from dist/, so these are built where they are missing or older than their sources. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("..", import.meta.url);
const changed = (path: string): number => statSync(new URL(path, root)).mtimeMs;

export function setup(): void {
  const sources = readdirSync(new URL("assembly", root), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.includes("__tests__"))
    .map((file) => changed(`assembly/${file}`));
  const built = ["dist/simd.wasm", "dist/relaxed.wasm", "dist/scalar.wasm"].every(
    (file) =>
      existsSync(new URL(file, root)) &&
      changed(file) >= Math.max(...sources, changed("asconfig.json"), changed("scripts/export-kernels.mjs")),
  );
  if (!built) execFileSync(process.execPath, ["scripts/build.mjs", "wasm"], { cwd: fileURLToPath(root), stdio: "inherit" });
}
