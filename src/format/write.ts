import { SectionKind } from "../../assembly/shared/container.ts";
import { writeChunks, writeContainer } from "./container.ts";
import { encodeChunks } from "./encode.ts";
import type { Coding, Meta, Pack } from "./image.ts";
import { readMeta } from "./meta.ts";

/** The file of a model, `.epk` version 2. The same pack and coding give the same bytes. Throws EPK_INVALID where the metadata contradicts itself. */
export function writeEpk({ meta, regions }: Pack, coding: Coding = "balanced"): Uint8Array {
  const json = metaBytes(meta);
  const chunks = writeChunks(encodeChunks(regions, coding));
  readMeta(json, chunks.length);
  return writeContainer([
    { kind: SectionKind.meta, bytes: json, required: true },
    { kind: SectionKind.chunks, bytes: chunks, required: true },
  ]);
}

/** Fields in a fixed order, whatever the order they were made in. */
function metaBytes({ name, inputs, outputs, labels, plan, memory, image }: Meta): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ name, inputs, outputs, labels, plan, memory, image }));
}
