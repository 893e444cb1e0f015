import { defineConfig } from "vitest/config";

/** Whole test sets, through the command line: minutes, not seconds. */
export default defineConfig({
  test: { include: ["tests/accuracy/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: true, maxWorkers: 2 },
});
