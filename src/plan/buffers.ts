/** The buffers that a plan's records point into: some lie in the image (constants), the others in the arena. */
import type { Panels } from "../format/image.ts";
import type { Place, Word } from "../ops/lowering.ts";

export type ImageData = Int8Array | Uint8Array | Int32Array | Float32Array;

/** Weights stored as i8 on a grid and expanded to f32 at load: element i times scale[⌊i / block⌋ · lanes + i mod lanes]. */
export interface Expansion {
  readonly scale: Float32Array;
  readonly lanes: number;
  readonly block: number;
}

export interface ImageBuffer {
  readonly kind: "image";
  readonly data: ImageData;
  readonly expand?: Expansion;
  readonly panels?: Panels;
  /** Small constants of one type share a region of the file, and so one table of the coder; weights have one of their own. */
  readonly pooled: boolean;
}

/** `first` and `last` are the records between which the buffer is alive; records that point into it widen them. */
export interface ArenaBuffer {
  readonly kind: "arena";
  readonly bytes: number;
  first: number;
  last: number;
}

export type PlanBuffer = ImageBuffer | ArenaBuffer;

export const isPlace = (word: Word): word is Place => typeof word !== "number";

const sameElements = (a: ImageData, b: ImageData): boolean => a.length === b.length && a.every((v, i) => v === b[i]);

/** Whether two packings of one tensor are the same image; the rest of an expansion follows from the layout. */
function samePacking(a: Omit<ImageBuffer, "kind" | "pooled">, b: Omit<ImageBuffer, "kind" | "pooled">): boolean {
  const [from, to] = [a.expand, b.expand];
  const sameScale = from && to ? from.block === to.block && from.lanes === to.lanes && sameElements(from.scale, to.scale) : from === to;
  const samePanels = a.panels?.n === b.panels?.n && a.panels?.k === b.panels?.k && a.panels?.lanes === b.panels?.lanes;
  return a.data.constructor === b.data.constructor && sameScale && samePanels && sameElements(a.data, b.data);
}

export class Buffers {
  readonly all: PlanBuffer[] = [];
  readonly #images = new Map<ImageData, number>();
  readonly #packed = new Map<object, Omit<ImageBuffer, "kind" | "pooled">[]>();
  readonly #loops: { readonly first: number; readonly last: number }[] = [];

  /** Arena memory that no record points into yet. */
  arena(bytes: number): Place {
    this.all.push({ kind: "arena", bytes, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY });
    return { buffer: this.all.length - 1, offset: 0 };
  }

  /** A constant; the same `data` object is stored once. */
  image(data: ImageData, pooled: boolean, expand?: Expansion, panels?: Panels): Place {
    let buffer = this.#images.get(data);
    if (buffer === undefined) {
      buffer = this.all.length;
      this.all.push({ kind: "image", data, pooled, expand, panels });
      this.#images.set(data, buffer);
    }
    return { buffer, offset: 0 };
  }

  /** Packed weights of a tensor, stored once for all layers that read it in the same layout. */
  packed(source: object, weights: Omit<ImageBuffer, "kind" | "pooled">): Place {
    const before = this.#packed.get(source) ?? [];
    this.#packed.set(source, before);
    const { data, expand, panels } = before.find((other) => samePacking(other, weights)) ?? weights;
    if (data === weights.data) before.push(weights);
    return this.image(data, false, expand, panels);
  }

  /** Notes that record number `record` reads or writes a buffer. */
  touch(buffer: number, record: number): void {
    const found = this.all[buffer];
    if (found.kind !== "arena") return;
    found.first = Math.min(found.first, record);
    found.last = Math.max(found.last, record);
  }

  /** Notes that records `first` to `last` may run again and again; loops inside are noted before those around them. */
  repeat(first: number, last: number): void {
    this.#loops.push({ first, last });
  }

  /**
   * Widens lifetimes by what loops do: what is alive on both sides of a loop's border must outlive every iteration, since an iteration may read what
   * stood there before the first, or write again what is read after the last. What is alive inside only is written anew each time.
   */
  settle(): void {
    for (const { first, last } of this.#loops) {
      for (const buffer of this.all) {
        if (buffer.kind !== "arena" || buffer.last < first || buffer.first > last) continue;
        if (buffer.first >= first && buffer.last <= last) continue;
        buffer.first = Math.min(buffer.first, first);
        buffer.last = Math.max(buffer.last, last);
      }
    }
  }
}
