import { EdgepackError } from "../errors.ts";

/** Thrown for bytes that are no module as edgepack's own are. */
export const malformed = (what: string): EdgepackError =>
  new EdgepackError("FILE", `This is not a wasm module of edgepack: ${what}. Install edgepack again, or run \`npm run build\` in a clone.`);

/** Reads a part of a wasm module front to back; throws FILE where it would read past its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at === this.#bytes.length;
  }

  byte(): number {
    if (this.done) throw malformed("it ends early");
    return this.#bytes[this.at++];
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw malformed("it ends early");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** An unsigned number of at most 32 bits, in LEB128. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128 && value < 2 ** 32) return value;
    }
    throw malformed("a number is too long");
  }

  /** A number in LEB128 of any type, whatever it is. */
  skipNumber(): void {
    for (let length = 1; this.byte() >= 128; length++) if (length === 10) throw malformed("a number is too long");
  }

  /** As many items as the number in front of them says. */
  list<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.u32(); left > 0; left--) items.push(item());
    return items;
  }
}

/** A number in LEB128. */
export function u32(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...u32(Math.floor(value / 128))];
}
