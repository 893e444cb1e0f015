import { describe, expect, it } from "vitest";
import { checkLimits, TARGETS, type TargetName, usageOf } from "../../src/targets/index.ts";

const NAMES = Object.keys(TARGETS) as TargetName[];

describe("limits", () => {
  it.each(NAMES)("of %s say where and when they were read", (target) => {
    expect(TARGETS[target].limits.length).toBeGreaterThan(0);
    for (const { value, source, read } of TARGETS[target].limits) {
      expect(value).toBeGreaterThan(0);
      expect(source).not.toBe("");
      expect(new Date(read).toISOString().slice(0, 10)).toBe(read);
    }
  });

  it("are compared with what a package takes, and with nothing where only running tells", () => {
    const rows = checkLimits("cloudflare", { bytes: 64 * 1024 * 1024, memory: 128_000_001 });
    const ok = Object.fromEntries(rows.map((row) => [row.limit, row.ok]));
    expect(ok).toMatchObject({ "Worker size, uncompressed": true, "memory of an isolate": false, "start-up time": undefined });
    expect(rows.find((row) => row.limit === "start-up time")?.used).toBeUndefined();
  });

  it("count text in bytes of UTF-8", () => {
    const files = new Map<string, Uint8Array | string>([
      ["a", "é"],
      ["b", new Uint8Array(5)],
    ]);
    expect(usageOf(files, 9)).toEqual({ bytes: 7, largest: 5, memory: 9 });
  });
});
