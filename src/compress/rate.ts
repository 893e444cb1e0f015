/** What integers cost in an entropy-coded file, and what that makes of rounding. */

export interface Rate {
  /** The integer among `nearest`, its neighbour towards 0, and 0 that costs least: `stiffness` · (wanted − integer)² and the price of its bits. */
  cheapest(wanted: number, nearest: number, stiffness: number): number;
}

/** The rate of weights that spread like `data`, at a price for each bit. */
export function rateOf(data: Int8Array, perBit: number): Rate {
  const counts = new Float64Array(256);
  for (const q of data) counts[q + 128]++;
  // What is not there yet is dear, but not beyond reach.
  const price = Float64Array.from(counts, (n) => -perBit * Math.log2((n + 0.5) / (data.length + 128)));
  return {
    cheapest(wanted, nearest, stiffness) {
      let best = nearest;
      let least = stiffness * (wanted - nearest) ** 2 + price[nearest + 128];
      for (const q of [nearest - Math.sign(nearest), 0]) {
        const cost = stiffness * (wanted - q) ** 2 + price[q + 128];
        if (cost < least) [best, least] = [q, cost];
      }
      return best;
    },
  };
}
