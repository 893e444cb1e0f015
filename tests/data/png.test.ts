import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePng } from "../../src/data/png.ts";
import { mulberry32 } from "../../src/data/sample.ts";
import { grayPng, png, pngChunk } from "./files.ts";

const noise = (n: number, top: number) => {
  const random = mulberry32(n);
  return Array.from({ length: n }, () => Math.floor(random() * top));
};

describe("decodePng", () => {
  for (const interlace of ["null", "Adam7"] as const) {
    for (const channels of [1, 2, 3, 4] as const) {
      it(`reads 8 bits of ${channels} channels, interlace ${interlace}, alpha dropped`, () => {
        for (const [width, height] of [
          [1, 1],
          [5, 3],
          [17, 13],
        ]) {
          const data = Uint8Array.from(noise(width * height * channels, 256));
          const got = decodePng(encode({ width, height, channels, depth: 8, data }, { interlace }));
          const kept = channels < 3 ? 1 : 3;
          expect(got).toMatchObject({ width, height, channels: kept });
          expect([...got.data]).toEqual([...data].filter((_, i) => i % channels < kept));
        }
      });
    }
  }

  it("rounds 16 bits to the nearest of 8", () => {
    const data = Uint16Array.from([0, 128, 129, 257, 32767, 32768, 65407, 65535]);
    const got = decodePng(encode({ width: 8, height: 1, channels: 1, depth: 16, data }));
    expect([...got.data]).toEqual([...data].map((v) => Math.round(v / 257)));
  });

  for (const depth of [1, 2, 4]) {
    it(`spreads ${depth}-bit gray over 0..255`, () => {
      const top = (1 << depth) - 1;
      const row = depth === 1 ? [0b01000000] : depth === 2 ? [0b00011011] : [0x0f];
      const got = decodePng(png({ width: 2, height: 1, depth, colour: 0 }, [0, ...row]));
      const second = { 1: 1, 2: 1, 4: 15 }[depth]!;
      expect([...got.data]).toEqual([0, (second * 255) / top]);
    });
  }

  it("reads a palette", () => {
    const palette = pngChunk("PLTE", Uint8Array.of(1, 2, 3, 10, 20, 30));
    const got = decodePng(png({ width: 3, height: 1, depth: 1, colour: 3 }, [0, 0b10100000], [palette]));
    expect([...got.data]).toEqual([10, 20, 30, 1, 2, 3, 10, 20, 30]);
  });

  it("undoes each of the five row filters", () => {
    const rows = [0, 10, 20, 30, 1, 10, 5, 5, 2, 1, 2, 3, 3, 4, 4, 4, 4, 9, 9, 9];
    const got = decodePng(png({ width: 3, height: 5, depth: 8, colour: 0 }, rows));
    expect([...got.data]).toEqual([10, 20, 30, 10, 15, 20, 11, 17, 23, 9, 17, 24, 18, 27, 36]);
  });

  it("agrees with fast-png on filters of noise", () => {
    const [width, height, samples] = [9, 40, 3];
    const rows = Array.from({ length: height }, (_, y) => [y % 5, ...noise(y + width * samples, 256).slice(y)]).flat();
    const bytes = png({ width, height, depth: 8, colour: 2 }, rows);
    expect([...decodePng(bytes).data]).toEqual([...decode(bytes).data]);
  });

  const good = grayPng(4, 4, 7);
  it("refuses every truncation", () => {
    for (let n = 8; n < good.length; n++) expect(() => decodePng(good.subarray(0, n))).toThrow();
  });
  it("refuses every flipped bit after the magic", () => {
    for (let bit = 64; bit < good.length * 8; bit++) {
      const bytes = Uint8Array.from(good);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(() => decodePng(bytes), `bit ${bit}`).toThrow();
    }
  });
  it("refuses more pixels than 64 Mi before it inflates", () => {
    expect(() => decodePng(png({ width: 65536, height: 65536, depth: 16, colour: 6 }, [0]))).toThrow(/65536×65536/);
  });
  it("refuses a stream that inflates to more than the header announces", () => {
    expect(() => decodePng(png({ width: 1, height: 1, depth: 8, colour: 0 }, new Uint8Array(1e6)))).toThrow();
  });
  it("refuses a colour outside the palette", () => {
    const palette = pngChunk("PLTE", Uint8Array.of(1, 2, 3));
    expect(() => decodePng(png({ width: 1, height: 1, depth: 8, colour: 3 }, [0, 1], [palette]))).toThrow(/palette/);
  });
});
