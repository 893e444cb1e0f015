import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/accuracy/**", "tests/peers/**", "tests/runtimes/**"],
    globalSetup: "tests/setup.ts",
    testTimeout: 30_000,
  },
});
