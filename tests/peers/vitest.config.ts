import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/peers/**/*.test.ts"], testTimeout: 300_000, maxWorkers: 2 } });
