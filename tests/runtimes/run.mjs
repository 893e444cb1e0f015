// Runs the smoke suites in the real runtimes: `node tests/runtimes/run.mjs [names…]`, all of them without names. A runtime that
// cannot be installed or started is a failure. The last line has the totals.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const here = import.meta.dirname;
const root = join(here, "../..");
const entries = await readdir(here, { withFileTypes: true });
const known = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const names = process.argv.length > 2 ? process.argv.slice(2) : known;
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length) {
  console.error(`no runtime is called ${unknown.join(", ")}; there are ${known.join(", ")}`);
  process.exit(2);
}

const run = (command, args, cwd) => spawnSync(command, args, { cwd, stdio: "inherit" }).status ?? 1;

let failed = 0;
for (const name of names) {
  const folder = join(here, name);
  // Install scripts only fetch what is not wanted here; the binaries are in the packages.
  if (existsSync(join(folder, "package.json")) && run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)) {
    console.error(`the packages of ${name} could not be installed`);
    failed++;
  }
}

const results = await mkdtemp(join(tmpdir(), "edgepack-runtimes-"));
const report = join(results, "report.json");
const status = run(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--config",
    join(here, "vitest.config.ts"),
    "--reporter=verbose",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...names.map((name) => `tests/runtimes/${name}/`),
  ],
  root,
);
const totals = JSON.parse(await readFile(report, "utf8").catch(() => "{}"));
await rm(results, { recursive: true });
const passed = totals.numPassedTests ?? 0;
// A suite whose setting up failed counts its tests as neither.
failed += Math.max(totals.numFailedTests ?? 0, totals.numTotalTests === undefined ? 1 : totals.numTotalTests - passed, status ? 1 : 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
