/**
 * What the machine can do at most with one pair of instructions, which kernels are held against: a loop of independent products and sums on
 * registers, as many chains as their latency needs.
 */

const CHAINS = 12;
const ROUNDS = 3_000_000;

const DOT_I16X8 = [0xfd, 0xba, 0x01];
const ADD_I32X4 = [0xfd, 0xae, 0x01];
const MUL_F32X4 = [0xfd, 0xe6, 0x01];
const ADD_F32X4 = [0xfd, 0xe4, 0x01];

/** Products, and what a product counts, of each of their lanes: 8 multiply-accumulates of i16, or 4 products and 4 sums of f32. */
const PEAKS = {
  "GMAC/s": { product: DOT_I16X8, sum: ADD_I32X4, work: 8 },
  "GFLOP/s": { product: MUL_F32X4, sum: ADD_F32X4, work: 8 },
};

const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
const section = (id, body) => [id, ...leb(body.length), ...body];

/** `(rounds) → any_true(chains)`, so that no chain is left out: in each round `acc = sum(acc, product(acc, y))` on every chain. Local 0 counts, then come y and the chains. */
function loop({ product, sum }) {
  const step = Array.from({ length: CHAINS }, (_, i) => [0x20, i + 2, 0x20, i + 2, 0x20, 1, ...product, ...sum, 0x21, i + 2]).flat();
  const use = Array.from({ length: CHAINS }, (_, i) => [0x20, i + 2, 0xfd, 0x50]).flat();
  const code = [
    1,
    CHAINS + 1,
    0x7b,
    0x03,
    0x40,
    ...step,
    0x20,
    0,
    0x41,
    1,
    0x6b,
    0x22,
    0,
    0x0d,
    0,
    0x0b,
    0x20,
    1,
    ...use,
    0xfd,
    0x53,
    0x0b,
  ];
  const types = [1, 0x60, 1, 0x7f, 1, 0x7f];
  const module = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ];
  return new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(module))).exports.f;
}

/** CPU time of this process, which others on the machine do not lengthen (docs/decisions/0011-benchmarks-count-cpu-time.md). */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Seconds of CPU time that a sample takes at least. */
export const SAMPLE = 0.005;

/** Billions a second by unit: median of the samples, as of kernels. */
export function measurePeaks() {
  return Object.fromEntries(
    Object.entries(PEAKS).map(([unit, peak]) => {
      const run = loop(peak);
      const samples = Array.from({ length: 101 }, () => {
        const start = cpuSeconds();
        run(ROUNDS);
        return cpuSeconds() - start;
      });
      return [unit, (CHAINS * peak.work * ROUNDS) / samples.sort((a, b) => a - b)[50] / 1e9];
    }),
  );
}
