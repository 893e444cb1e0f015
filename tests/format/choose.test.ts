import { describe, expect, it } from "vitest";
import { TableKind } from "../../assembly/shared/container.ts";
import { chooseTable, entropyOf } from "../../src/format/choose.ts";
import { BIT, log2 } from "../../src/format/logarithm.ts";
import { RansEncoder, TableMeter } from "../../src/format/sink.ts";
import { putTable } from "../../src/format/table.ts";
import { DISTRIBUTIONS, randomOf, weightsOf } from "./sample.ts";

const histogram = (symbols: Int8Array): Uint32Array => {
  const counts = new Uint32Array(256);
  for (const s of symbols) counts[s & 255]++;
  return counts;
};

describe("logarithms in whole numbers", () => {
  it("are right to 1/10,000 bit, whole and never fall", () => {
    let last = 0;
    for (let n = 1; n < 2 ** 31; n += 1 + (n >> 9)) {
      const value = log2(n);
      expect(Math.abs(value / BIT - Math.log2(n))).toBeLessThan(1e-4);
      expect(Number.isInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
  });
});

describe("the choice of a table", () => {
  it.each(Object.entries(DISTRIBUTIONS))("%s: a table's cost is what the encoder then needs, to 16 bits and 1 %%", (_, draw) => {
    const data = weightsOf(draw, 20_000);
    const { table, cost } = chooseTable(histogram(data));
    const encoder = new RansEncoder();
    putTable(encoder, table);
    const head = 8 * (encoder.finish().length - 16);
    const meter = new TableMeter();
    putTable(meter, table);
    expect(Math.abs(meter.take() / BIT - head)).toBeLessThan(16 + 0.01 * head);
    expect(cost).toBeGreaterThanOrEqual(entropyOf(histogram(data)));
  });

  it("noise has a uniform table, one symbol a constant one", () => {
    const random = randomOf(1);
    const noise = Int8Array.from({ length: 16_384 }, () => Math.floor(256 * random()) - 128);
    expect(chooseTable(histogram(noise)).table).toEqual({ kind: TableKind.uniform });
    expect(chooseTable(histogram(new Int8Array(100).fill(-3))).table).toEqual({ kind: TableKind.constant, symbol: 253 });
  });

  it("depends little on where the search begins", () => {
    const counts = histogram(weightsOf(DISTRIBUTIONS["Gaussian with each channel's maximum at ±127"], 4096));
    const costs = [chooseTable(counts, [0, 0, 0, 0, 0]), chooseTable(counts), chooseTable(counts, [4, 10, 1, 1, 1])].map(
      ({ cost }) => cost,
    );
    expect(Math.max(...costs)).toBeLessThan(1.005 * Math.min(...costs));
  });
});
