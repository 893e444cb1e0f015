/** Fair timing of several engines in one process: warmed together, then interleaved, so that what slows the machine slows all of them. */
import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";

const WARM_MS = 1500;
const ROUNDS = 31;
const ROUND_MS = 20;

/** Milliseconds per call: median of the rounds, and their quartiles. */
export interface Timing {
  readonly ms: number;
  readonly q1: number;
  readonly q3: number;
}

/** Contenders may be asynchronous; each is called until it is warm, then in turn with the others. */
export async function measure<K extends string>(contenders: Readonly<Record<K, () => unknown>>): Promise<Record<K, Timing>> {
  const entries = Object.entries(contenders) as [K, () => unknown][];
  const calls = new Map<K, number>();
  for (const [name, run] of entries) {
    const start = performance.now();
    let n = 0;
    for (; performance.now() - start < WARM_MS; n++) await run();
    calls.set(name, Math.max(1, Math.round((n * ROUND_MS) / (performance.now() - start))));
  }
  const times = new Map<K, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of entries) {
      const n = calls.get(name)!;
      const start = performance.now();
      for (let i = 0; i < n; i++) await run();
      times.get(name)!.push((performance.now() - start) / n);
    }
  }
  return Object.fromEntries(
    entries.map(([name]) => {
      const sorted = times.get(name)!.sort((a, b) => a - b);
      return [name, { ms: sorted[ROUNDS >> 1], q1: sorted[ROUNDS >> 2], q3: sorted[(3 * ROUNDS) >> 2] }];
    }),
  ) as Record<K, Timing>;
}

/** What results depend on, to be kept beside them. */
export function machine(root: URL): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  return {
    date: new Date().toISOString().slice(0, 10),
    edgepack: version,
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0].model,
    platform: `${platform()}-${arch()}`,
  };
}
