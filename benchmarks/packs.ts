/** Builds of the benchmark's nets, kept in node_modules/.edgepack/packs under a hash of all that they follow from: a rerun measures at once. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type BuildOptions, type BuildReport, build } from "../src/build.ts";
import { exportOnnx } from "../src/export.ts";
import type { InputPort } from "../src/format/image.ts";
import { ROOT } from "./fashion-mnist.ts";

export interface PackFile {
  readonly epk: Uint8Array;
  /** What the pack runs, as ONNX for other engines. */
  readonly exported: Uint8Array;
  readonly inputs: readonly InputPort[];
  readonly report: BuildReport;
}

const KEPT = new URL("node_modules/.edgepack/packs/", ROOT);

let sources: string | undefined;

/** Of everything that decides what a build gives. */
function hashOfSources(): string {
  if (sources) return sources;
  const hash = createHash("sha256");
  for (const folder of ["src/", "assembly/shared/"]) {
    const root = new URL(folder, ROOT);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !file.startsWith("cli"),
    );
    for (const file of files.sort()) hash.update(file).update(readFileSync(new URL(file, root)));
  }
  sources = hash.digest("hex");
  return sources;
}

/** Builds, or takes what an earlier run has built from the same bytes, the same options under `label`, and the same sources. */
export async function packOf(onnx: Uint8Array, label: string, options: () => BuildOptions | Promise<BuildOptions>): Promise<PackFile> {
  const key = createHash("sha256").update(hashOfSources()).update(label).update(onnx).digest("hex").slice(0, 32);
  const path = (extension: string): URL => new URL(`${key}.${extension}`, KEPT);
  if (existsSync(path("json"))) {
    const { inputs, report } = JSON.parse(readFileSync(path("json"), "utf8"));
    return { epk: readFileSync(path("epk")), exported: readFileSync(path("onnx")), inputs, report };
  }
  const { epk, graph, meta, report } = await build(onnx, await options());
  const exported = exportOnnx(graph, { activations: "u8" });
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(path("epk"), epk);
  writeFileSync(path("onnx"), exported);
  writeFileSync(path("json"), JSON.stringify({ inputs: meta.inputs, report }));
  return { epk, exported, inputs: meta.inputs, report };
}
