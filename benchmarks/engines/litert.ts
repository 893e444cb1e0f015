/**
 * LiteRT.js (XNNPACK), from a folder that has `litert.mjs` with `litert(folder, bytes) → run(values, shape)`, node_modules/@litertjs/core, and .tflite twins of
 * the nets: the same shapes, other weights. So answers are not compared, only times.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Engine, Feed } from "./engine.ts";

export async function litertEngine(folder: string, file: string, { shape, data }: Feed): Promise<Engine | undefined> {
  const path = join(folder, file);
  if (!existsSync(path)) return undefined;
  const { litert } = await import(pathToFileURL(join(folder, "litert.mjs")).href);
  const run = await litert(folder, readFileSync(path));
  // Channels come last there.
  const [n, c, h, w] = shape;
  const nhwc = shape.length === 4 ? [n, h, w, c] : shape;
  return { run: () => run(data, nhwc), read: (answer) => [answer as Float32Array] };
}

export function litertVersion(folder: string): string {
  return JSON.parse(readFileSync(join(folder, "node_modules/@litertjs/core/package.json"), "utf8")).version;
}
