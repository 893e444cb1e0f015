/**
 * The `.epk` container, version 2: what `src/format` writes and `src/run` and `assembly/unpack` read. docs/format.md explains it.
 * Only enums and literals stand here, so that asc and tsc read the same file. Append only, never renumber. All integers are little-endian.
 */

/** 0x89 "EPK": the first byte has its high bit set, so that nobody takes the file for text. */
export const MAGIC = 0x4b504589;

export const FORMAT_VERSION = 2;

/** The oldest version that readers still read: 2 only adds `TableKind.magnitudes`. */
export const OLDEST_VERSION = 1;

/** Sections begin at multiples of this; the bytes between them are zero. */
export const SECTION_ALIGN = 16;

/** Byte offsets in the header. These 32 bytes and their hash keep their meaning in every format version. */
export enum FileField {
  magic = 0,
  /** u16 */
  format = 4,
  /** u16 */
  abi = 6,
  /** Zero. */
  flags = 8,
  sections = 12,
  /** Of the whole file. */
  length = 16,
  /** XXH32 of the section table, which follows the header. */
  table_hash = 20,
  reserved = 24,
  /** XXH32 of the 28 bytes before. */
  hash = 28,
  bytes = 32,
}

/** Byte offsets in one entry of the section table. */
export enum SectionField {
  /** u16 */
  kind = 0,
  /** u16 */
  flags = 2,
  offset = 4,
  length = 8,
  /** XXH32 of the section; 0 for `chunks`, where each chunk has its own. */
  hash = 12,
  bytes = 16,
}

export enum SectionKind {
  meta = 1,
  chunks = 2,
}

export enum SectionFlag {
  /** A reader that does not know the section's kind must refuse the file. */
  required = 1,
}

/** Byte offsets in a chunk. */
export enum ChunkField {
  /** Of the body. */
  length = 0,
  /** XXH32 of the body. */
  hash = 4,
  body = 8,
}

/** Most bytes that one chunk unpacks to (before expansion to f32, scales included). */
export const CHUNK_PLAIN = 65536;

/** Most bytes of a chunk's body. */
export const CHUNK_BODY = 69632;

/** What a piece of a chunk holds. */
export enum Piece {
  end = 0,
  /** One byte plane. */
  bytes = 1,
  /** 32-bit integers in four byte planes, lowest first. */
  words = 2,
  /** f32, its bits rotated left by one (the sign comes last), in four byte planes. */
  floats = 3,
  /** Scales as `floats`, then one byte plane of i8, multiplied out to f32. */
  expanded = 4,
}

/** Slots in which a chunk keeps its current symbol tables, one for each kind of plane; `words`, `floats` and `scales` have four. */
export enum TableSlot {
  bytes = 0,
  words = 1,
  floats = 5,
  scales = 9,
  count = 13,
}

export enum TableKind {
  levels = 0,
  uniform = 1,
  constant = 2,
  /** Since version 2, of planes of single bytes alone: a table for each class of expected magnitude. */
  magnitudes = 3,
}

/** Classes of a table of magnitudes, at most. */
export const CLASSES = 4;

/** A table of magnitudes looks back at so many columns and elements of k, at most, and its tables have so many bits. */
export const MAX_WIDTH = 1024;
export const MAX_DEPTH = 4096;
export const MAX_CLASS_PRECISION = 14;

/** Adaptive binary contexts. Numbers take 32 of them, one for each bit of the unary exponent. */
export enum Context {
  piece = 0,
  gap = 32,
  count = 64,
  lanes = 96,
  rows = 128,
  phase = 160,
  table = 192,
  precision = 224,
  extent = 256,
  first = 288,
  magnitude = 320,
  /** One for each table slot. */
  reuse = 352,
  floor = 368,
  /** By how many of the last two levels were present. */
  present = 369,
  /** By the size of the last residual: 0, 1, more. */
  differs = 372,
  negative = 375,
  /** Whether a piece continues the region of the piece before it. */
  continues = 376,
  /** Whether padding of a piece is left out. */
  padded = 377,
  total = 378,
}

/** Probabilities of adaptive bits have 12 bits; symbol tables have 12 to 16. */
export const BIT_PRECISION = 12;
export const MIN_PRECISION = 12;
export const MAX_PRECISION = 16;

/** Lower end of the rANS state's interval: states lie in 2¹⁶ .. 2³²−1, and each renormalisation moves 16 bits. */
export const RANS_LOW = 65536;
export const LANES = 4;

/** Largest level of a table (its square is a weight). */
export const MAX_LEVEL = 2047;

/** Byte offsets in the decoder's workspace, which begins at the end of the image. */
export enum Work {
  /** Symbol tables: 256 × (frequency << 16 | start), then precision and constant symbol. */
  tables = 0,
  /** Per context: u16 count of zeros, u16 count of ones. */
  contexts = 13568,
  /** Levels of the table that is being read, u16 by symbol. */
  levels = 15104,
  /**
   * The chunk's body, then a margin that the decoder may read over. Behind it lie the scales of the piece that is being expanded and, 2^precision bytes, the
   * symbols by slot: as large as the chunk needs them.
   */
  chunk = 15616,
  /** The most that a chunk can need. */
  bytes = 243328,
}

/** Offsets in a symbol table. Precision 0: not set yet; 1: `symbol` alone. */
export enum TableField {
  entries = 0,
  precision = 1024,
  symbol = 1028,
  bytes = 1040,
}

/** Byte offsets in a table of magnitudes while its plane is decoded; behind it lie the slots of its classes. Integers of 4 bytes, where nothing is said. */
export enum MagnitudeField {
  precision = 0,
  /** A mean of an element of k moves by 2^−rate of what it was wrong by. */
  depth_rate = 4,
  /** Fractional bits of means. */
  fraction = 8,
  /** Elements of one row that follow each other along k, less 1. */
  inner = 12,
  /** CLASSES − 1 lower ends, ascending or not. */
  thresholds = 16,
  column_rate = 28,
  /** A symbol table for each class, a power of two apart. */
  tables = 32,
  table_shift = 11,
  /** u16 for each column of a row. */
  columns = 8224,
  /** u16 for each element of k. */
  depths = 10272,
  bytes = 18464,
}

/** Symbols that one call of the inner loop decodes; it may read 2 bytes each past the body's end before the end is checked. */
export const BURST = 1024;

/** What `unpack` returns. */
export enum Status {
  ok = 0,
  hash = 1,
  corrupt = 2,
}
