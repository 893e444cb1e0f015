/** XXH32 with seed 0, as the xxHash specification defines it (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */

const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

const rotate = (x: number, bits: number) => (x << bits) | (x >>> (32 - bits));
const round = (acc: number, word: number) => Math.imul(rotate(acc + Math.imul(word, P2), 13), P1);

export function xxh32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let h = P5;
  if (bytes.length >= 16) {
    const acc = Int32Array.of(P1 + P2, P2, 0, -P1);
    for (; at + 16 <= bytes.length; at += 16) for (let i = 0; i < 4; i++) acc[i] = round(acc[i], view.getUint32(at + 4 * i, true));
    h = rotate(acc[0], 1) + rotate(acc[1], 7) + rotate(acc[2], 12) + rotate(acc[3], 18);
  }
  h = (h + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) h = Math.imul(rotate(h + Math.imul(view.getUint32(at, true), P3), 17), P4);
  for (; at < bytes.length; at++) h = Math.imul(rotate(h + Math.imul(bytes[at], P5), 11), P1);
  h = Math.imul(h ^ (h >>> 15), P2);
  h = Math.imul(h ^ (h >>> 13), P3);
  return (h ^ (h >>> 16)) >>> 0;
}
