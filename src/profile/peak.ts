/**
 * The most multiply-accumulates a second that this machine's wasm can do with the instructions of the kernels, and nothing else: no loads, no stores,
 * twelve independent chains in registers. Shares of it say how much of a kernel is arithmetic.
 */

/** GMAC/s: of `i32x4.dot_i16x8_s` and `i32x4.add` (8 products each), and of `f32x4.mul` and `f32x4.add` (4). */
export interface Peak {
  readonly int8: number;
  readonly f32: number;
}

const CHAINS = 12;
/** Of one call: some 20 µs, so that the engine tiers up between calls. */
const ITERATIONS = 10_000;

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
const vector = (...items: readonly number[][]): number[] => [...leb(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [...leb(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];
const simd = (op: number): number[] => [0xfd, ...leb(op)];

const [I32, V128] = [0x7f, 0x7b];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];

/** (n: i32) → i32 with `n` rounds of `acc = first(acc, b) second b` in every chain; local 1 is b, the chains follow. */
function rounds(first: number, second: number, b: readonly number[]): number[] {
  const chains = Array.from({ length: CHAINS }, (_, i) => 2 + i);
  const code = [
    ...[...b, ...set(1)],
    ...[0x03, 0x40],
    ...chains.flatMap((acc) => [...get(acc), ...get(1), ...simd(first), ...get(1), ...simd(second), ...set(acc)]),
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0],
    0x0b,
    ...get(1),
    ...chains.flatMap((acc) => [...get(acc), ...simd(0x51)]),
    ...[...simd(0x1b), 0],
    0x0b,
  ];
  return sized([...vector([...leb(1 + CHAINS), V128]), ...code]);
}

/** The module: `i` counts dot products of i16, `f` products and sums of f32. */
function peakModule(): Uint8Array<ArrayBuffer> {
  const name = (text: string): number[] => sized([...new TextEncoder().encode(text)]);
  const half = [...new Uint8Array(Float32Array.of(0.5).buffer)];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([0x60, ...vector([I32]), ...vector([I32])])),
    ...section(3, vector([0], [0])),
    ...section(7, vector([...name("i"), 0, 0], [...name("f"), 0, 1])),
    ...section(10, vector(rounds(0xba, 0xae, [0x41, 3, ...simd(0x11)]), rounds(0xe6, 0xe4, [0x43, ...half, ...simd(0x13)]))),
  ]);
}

/** Measures both, each warmed up and then for `ms` milliseconds: the best tenth of the calls counts. */
export async function measurePeak(ms = 300): Promise<Peak> {
  const { instance } = await WebAssembly.instantiate(peakModule());
  const { i, f } = instance.exports as Record<"i" | "f", (n: number) => number>;
  const rate = (run: (n: number) => number, macs: number): number => {
    const times: number[] = [];
    for (const end = performance.now() + 2 * ms; performance.now() < end; ) {
      const start = performance.now();
      run(ITERATIONS);
      times.push(performance.now() - start);
    }
    const late = times.slice(times.length >> 1).sort((a, b) => a - b);
    return (macs * CHAINS * ITERATIONS) / late[Math.floor(late.length / 10)] / 1e6;
  };
  return { int8: rate(i, 8), f32: rate(f, 4) };
}
