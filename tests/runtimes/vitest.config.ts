import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/runtimes/*/*.smoke.ts"],
    // Engines are started and timed: one at a time, and none twice for a failure.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
