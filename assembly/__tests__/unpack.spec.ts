import { Context, Status, Work } from "../shared/container";
import { unpack } from "../unpack/chunk";
import { xxh32 } from "../unpack/xxh32";

/** Where the golden chunk's regions lie: far above what tests allocate. */
const BASE: usize = 1 << 25;
const IMAGE: usize = BASE + 208;

/** The regions of `clipPack` (tests/format/sample.ts) at BASE, as `encodeChunks` writes them. */
const GOLDEN =
  "009004001970dbbf24e85000ff8e1300fd0f1f00d605f02db891007f5ca00a442c3394fa05d68a67e10689ae4c87d0000002009ef019005d916320c790977a30b500c188f33200181d6a66d123d2971d00897d0b010a92b140b7172eb020ad7048ec6a490a2d456a800080000000";

/** Its weights: 3 outputs in 4 lanes, 11 terms in pairs. */
function weight(i: i32): i32 {
  return (i >> 1) % 4 === 3 || (i >= 40 && i & 1) ? 0 : ((i * 37) % 15) - 7;
}

/** Puts the golden chunk where `unpack` wants it, image and workspace zero; gives its length. */
function place(): u32 {
  const pages = <i32>((IMAGE + Work.bytes + 65535) >>> 16);
  if (memory.size() < pages) memory.grow(pages - memory.size());
  memory.fill(BASE, 0, IMAGE - BASE + Work.bytes);
  const length = GOLDEN.length >> 1;
  for (let i = 0; i < length; i++) store<u8>(IMAGE + Work.chunk + i, <u8>parseInt(GOLDEN.substr(2 * i, 2), 16));
  return length;
}

function hashOf(text: string): u32 {
  const bytes = String.UTF8.encode(text);
  return xxh32(changetype<usize>(bytes), bytes.byteLength);
}

describe("xxh32", () => {
  it("hashes as the reference implementation does", () => {
    expect(hashOf("")).toBe(0x02cc5d05);
    expect(hashOf("a")).toBe(0x550d7456);
    expect(hashOf("abc")).toBe(0x32d153ff);
    expect(hashOf("Nobody inspects the spammish repetition")).toBe(0xe2293b2f);
  });
});

describe("unpack", () => {
  it("writes every kind of region where it belongs", () => {
    const length = place();
    expect(unpack(IMAGE, length, xxh32(IMAGE + Work.chunk, length))).toBe(Status.ok);
    for (let i = 0; i < 48; i++) expect(<i32>load<i8>(BASE + i)).toBe(weight(i), "bytes");
    expect(load<i32>(BASE + 64 + 4)).toBe(8, "words");
    expect(load<f32>(BASE + 64 + 20)).toBe(-1, "words that are the bits of an f32");
    for (let i = 0; i < 16; i++) expect(load<f32>(BASE + 112 + 4 * i)).toBe(<f32>weight(i) * <f32>(i < 8 ? 0.5 : -0.25), "expanded");
    expect(load<f32>(BASE + 176 + 4)).toBe(-2, "floats");
  });

  it("refuses a body whose hash is another", () => {
    const length = place();
    expect(unpack(IMAGE, length, 1 + xxh32(IMAGE + Work.chunk, length))).toBe(Status.hash);
    expect(unpack(IMAGE, 0x7fffffff, 0)).toBe(Status.hash, "a length that no chunk has");
  });

  it("refuses every shorter body", () => {
    for (let length: u32 = 0, all = place(); length < all; length++)
      expect(unpack(IMAGE, length, xxh32(IMAGE + Work.chunk, length))).toBe(Status.corrupt);
  });

  it("keeps its contexts inside its workspace", () => {
    expect(Work.contexts + (Context.total << 2)).toBeLessThanOrEqual(Work.levels);
  });
});
