import { createHash } from "node:crypto";
import type { DataItem } from "./dataset.ts";

/** Stands for what an item holds: two items have one digest just where all their values are the same. */
export function digestOf(item: DataItem): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(item).sort()) {
    const { buffer, byteOffset, byteLength } = item[name];
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("base64");
}
