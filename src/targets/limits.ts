/** What a place allows, with the page that says so and the day it was read: such numbers move, and a report must not pretend otherwise. */
export interface Limit {
  readonly name: string;
  readonly value: number;
  readonly unit: "bytes" | "ms";
  /** What the limit is compared with. */
  readonly measure: keyof Usage;
  readonly source: string;
  /** ISO date. */
  readonly read: string;
}

/** What a package takes: the bytes of all its files, of wasm memory while the model runs, of its largest file where that is known, and time. */
export interface Usage {
  readonly bytes: number;
  readonly memory: number;
  readonly largest?: number;
  /** Milliseconds from an empty process to a loaded model, and of one inference, where they have been measured. */
  readonly start?: number;
  readonly inference?: number;
}

export interface LimitRow {
  readonly limit: string;
  readonly value: number;
  readonly unit: Limit["unit"];
  /** Undefined where what compares with the limit is not known; `ok` is undefined with it. */
  readonly used: number | undefined;
  readonly ok: boolean | undefined;
  readonly source: string;
  readonly date: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const WORKERS = { source: "Cloudflare Workers docs, Platform, Limits", read: "2026-11-24" } as const;
const DENO_DEPLOY = { source: "Deno Deploy docs, Pricing and limitations", read: "2026-11-24" } as const;
const WASM = { source: "WebAssembly JavaScript Interface, Limits", read: "2026-11-24" } as const;

/** Wasm with 32-bit addresses, anywhere. */
const ADDRESS_SPACE: Limit = { name: "wasm memory", value: 4 * GIB, unit: "bytes", measure: "memory", ...WASM };

export const LIMITS = {
  cloudflare: [
    { name: "Worker size, uncompressed", value: 64 * MIB, unit: "bytes", measure: "bytes", ...WORKERS },
    { name: "memory of an isolate", value: 128_000_000, unit: "bytes", measure: "memory", ...WORKERS },
    { name: "start-up time", value: 1000, unit: "ms", measure: "start", ...WORKERS },
    { name: "CPU time a request, Free", value: 10, unit: "ms", measure: "inference", ...WORKERS },
    { name: "CPU time a request, Paid, default", value: 30_000, unit: "ms", measure: "inference", ...WORKERS },
  ],
  deno: [
    { name: "deployment, all files", value: 1_000_000_000, unit: "bytes", measure: "bytes", ...DENO_DEPLOY },
    { name: "memory of an instance", value: 512_000_000, unit: "bytes", measure: "memory", ...DENO_DEPLOY },
  ],
  web: [
    ADDRESS_SPACE,
    // A page may be served from anywhere; the strictest common host counts.
    { name: "one static asset on Cloudflare", value: 25 * MIB, unit: "bytes", measure: "largest", ...WORKERS },
  ],
  node: [ADDRESS_SPACE],
} as const satisfies Record<string, readonly Limit[]>;

/** Compares a package with a table of limits, one row a limit, in the order of the table. */
export function compareLimits(limits: readonly Limit[], usage: Usage): LimitRow[] {
  return limits.map(({ name, value, unit, measure, source, read }) => {
    const used = usage[measure];
    return { limit: name, value, unit, used, ok: used === undefined ? undefined : used <= value, source, date: read };
  });
}

/** What the files of a package weigh; `memory` is the model's (`Meta.memory`). */
export function usageOf(files: ReadonlyMap<string, Uint8Array | string>, memory: number): Usage {
  const sizes = [...files.values()].map((data) => (typeof data === "string" ? new TextEncoder().encode(data).length : data.length));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), largest: Math.max(0, ...sizes), memory };
}
