import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../..");

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

describe.each([22, 24])("the relaxed build, in Node %i", (major) => {
  it("runs, and agrees with every operator's definition, bit for bit where it computes integers", async () => {
    const node = join(import.meta.dirname, `node_modules/node-${major}-${process.arch}/bin/node`);
    const suite = ["run", "tests/kernels/modules.test.ts", "tests/conformance/operators.test.ts", "-t", "relaxed", "--reporter=json"];
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
    const vitest = promisify(execFile)(node, [join(root, "node_modules/vitest/vitest.mjs"), ...suite], {
      cwd: root,
      env,
      maxBuffer: 2 ** 28,
    });
    const { stdout } = await vitest.catch((failure: { stdout: string }) => failure);
    const { numPassedTests, numFailedTests } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as Report;
    expect(numFailedTests).toBe(0);
    expect(numPassedTests).toBeGreaterThan(900);
  });
});
