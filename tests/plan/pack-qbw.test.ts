import { describe, expect, it } from "vitest";
import { packBlocks, spreadBlocks } from "../../src/plan/pack-qbw.ts";

/** Integer p of output o, read back from its word and its block's zero point. */
function unpacked({ data, zeros }: ReturnType<typeof packBlocks>, k: number, block: number, o: number, p: number): number {
  const octets = Math.ceil(k / 8);
  const word = data[((o >> 4) * octets + (p >> 3)) * 16 + (o & 15)];
  const pair = (p & 7) >> 1;
  const nibble = (word >> (16 * (p & 1) + 4 * pair)) & 15;
  return (pair === 3 ? nibble ^ 8 : nibble) - (zeros?.[((o >> 4) * Math.ceil(k / block) + Math.floor(p / block)) * 16 + (o & 15)] ?? 8);
}

const integers = (n: number, k: number, from: number, to: number): Int8Array =>
  Int8Array.from({ length: n * k }, (_, i) => from + ((i * 7) % (to - from + 1)));

describe("weights in blocks", () => {
  it.each([
    ["−8 to 7", -8, 7, false],
    ["−15 to 0", -15, 0, true],
    ["0 to 15", 0, 15, true],
  ] as const)("of %s are nibbles, with zero points where they need them", (_title, from, to, zeros) => {
    const [n, k, block] = [19, 21, 16];
    const w = integers(n, k, from, to);
    const packed = packBlocks(w, n, k, block);
    expect([packed.bits, packed.zeros !== undefined]).toEqual([4, zeros]);
    for (let o = 0; o < n; o++) for (let p = 0; p < k; p++) expect(unpacked(packed, k, block, o, p), `${o}, ${p}`).toBe(w[o * k + p]);
    // Behind the last step stand zeros, behind the last output nothing.
    for (let p = k; p < 24; p++) expect(unpacked(packed, k, block, 0, p)).toBe(0);
    expect([...packed.data.slice(-13)]).toEqual(new Array(13).fill(0));
  });

  it("whose integers lie further apart in any block are bytes", () => {
    const { bits, zeros, data } = packBlocks(integers(3, 20, -8, 8), 3, 20, 8);
    expect([bits, zeros, data.length]).toEqual([8, undefined, 16 * 24]);
  });

  it("are spread by panels of outputs, block after block", () => {
    const spread = spreadBlocks(new Uint8Array(8), 2, 3, 2, (o, b) => 10 * o + b);
    expect([...spread]).toEqual([0, 10, 1, 11, 20, 0, 21, 0]);
  });
});
