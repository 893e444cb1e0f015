import { SectionKind } from "../../assembly/shared/container.ts";
import { readEpk } from "./read.ts";

/** What a region of the image costs in the file. */
export interface RegionSize {
  /** Address of its first byte. */
  readonly at: number;
  /** Elements. */
  readonly count: number;
  /** Bytes before coding: 1 or 4 an element, scales of expanded weights included. */
  readonly plain: number;
  /** Bytes in the file, its share of symbol tables included; a fraction, since pieces share a coder. */
  readonly bytes: number;
  /** Order-0 entropy of its byte planes in bytes, each piece by itself. */
  readonly entropy: number;
}

export interface EpkSize {
  /** Bytes of the metadata. */
  readonly meta: number;
  /** In order of address. */
  readonly regions: readonly RegionSize[];
}

/** Where the bytes of a `.epk` go. Throws as `readEpk` does. */
export function measureEpk(file: Uint8Array): EpkSize {
  const { pieces, sections } = readEpk(file);
  const regions: RegionSize[] = [];
  for (const { at, continues, count, plain, bits, entropy } of pieces) {
    const part = { at, count, plain, bytes: bits / 8, entropy: entropy / 8 };
    const before = continues ? regions.pop() : undefined;
    regions.push(
      before
        ? {
            at: before.at,
            count: before.count + count,
            plain: before.plain + plain,
            bytes: before.bytes + part.bytes,
            entropy: before.entropy + part.entropy,
          }
        : part,
    );
  }
  return { meta: sections.get(SectionKind.meta)!, regions };
}
