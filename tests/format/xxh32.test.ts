import { expect, it } from "vitest";
import { xxh32 } from "../../src/format/xxh32.ts";

it.each([
  ["", 0x02cc5d05],
  ["a", 0x550d7456],
  ["abc", 0x32d153ff],
  ["Nobody inspects the spammish repetition", 0xe2293b2f],
])("hashes %o as the reference implementation does", (text, hash) => {
  expect(xxh32(new TextEncoder().encode(text))).toBe(hash);
});

it("reads a view where it begins, not its buffer", () => {
  const bytes = new TextEncoder().encode("..abc..");
  expect(xxh32(bytes.subarray(2, 5))).toBe(0x32d153ff);
});
