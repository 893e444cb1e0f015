/** Fair timing of several engines in one process: warmed together, then interleaved, so that what slows the machine slows all of them. */

/** Milliseconds per call: median of the rounds, and their quartiles. */
export interface Timing {
  readonly ms: number;
  readonly q1: number;
  readonly q3: number;
  /**
   * Median of the process's CPU time, where the engine tells it. On an idle machine it is `ms`; on a busy one it leaves out the time in which others ran, so
   * that ratios hold.
   */
  readonly cpu?: number;
}

const { process: host } = globalThis as { readonly process?: { cpuUsage?(): { readonly user: number; readonly system: number } } };

/** CPU milliseconds of this process so far; NaN where the engine does not tell. */
function cpuTime(): number {
  const usage = host?.cpuUsage?.();
  return usage ? (usage.user + usage.system) / 1000 : Number.NaN;
}

export interface MeasureOptions {
  /** How long each contender is warmed up, in CPU time where it is known; compilers of all engines are done after 1500, the default. */
  readonly warmMs?: number;
  readonly rounds?: number;
  /** How long each contender runs in a round, in the same time: one call at least. */
  readonly roundMs?: number;
  /** Where contenders do their work in another process: time counts by the clock. */
  readonly elsewhere?: boolean;
}

/** A contender that is synchronous is not waited for, since that alone takes longer than a small net. */
async function repeat(run: () => unknown, enough: (n: number) => boolean): Promise<number> {
  let n = 0;
  do {
    const answer = run();
    if (answer instanceof Promise) await answer;
    n++;
  } while (!enough(n));
  return n;
}

/** Contenders may be asynchronous; each is called until it is warm, then in turn with the others. */
export async function measure<K extends string>(
  contenders: Readonly<Record<K, () => unknown>>,
  { warmMs = 1500, rounds = 31, roundMs = 20, elsewhere = !host?.cpuUsage }: MeasureOptions = {},
): Promise<Record<K, Timing>> {
  const clock: () => number = elsewhere ? () => performance.now() : cpuTime;
  const entries = Object.entries(contenders) as [K, () => unknown][];
  const calls = new Map<K, number>();
  for (const [name, run] of entries) {
    const start = clock();
    // The last quarter tells how many calls fill a round: before, the engine was still compiling.
    await repeat(run, () => clock() - start > 0.75 * warmMs);
    const late = clock();
    const n = await repeat(run, () => clock() - start > warmMs);
    calls.set(name, Math.max(1, Math.round((n * roundMs) / (clock() - late))));
  }
  const samples = new Map(entries.map(([name]) => [name, { wall: [] as number[], cpu: [] as number[] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of entries) {
      const wanted = calls.get(name)!;
      const { wall, cpu } = samples.get(name)!;
      const [start, spent] = [performance.now(), cpuTime()];
      await repeat(run, (n) => n >= wanted);
      wall.push((performance.now() - start) / wanted);
      cpu.push((cpuTime() - spent) / wanted);
    }
  }
  return Object.fromEntries(
    entries.map(([name]): [K, Timing] => {
      const { wall, cpu } = samples.get(name)!;
      const { ms } = quartiles(cpu);
      return [name, { ...quartiles(wall), ...(!elsewhere && { cpu: ms }) }];
    }),
  ) as Record<K, Timing>;
}

export function quartiles(samples: readonly number[]): Pick<Timing, "ms" | "q1" | "q3"> {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))];
  return { ms: at(0.5), q1: at(0.25), q3: at(0.75) };
}
