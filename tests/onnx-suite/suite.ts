/** Runs the suite and prints what came of it; the last line has the totals. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setup } from "../setup.ts";
import { type Case, findCases, GROUPS } from "./cases.ts";
import { execute, type Outcome } from "./execute.ts";
import { KNOWN_FAILURES } from "./expected.ts";

const DEBIAN = "/usr/share/libonnx-testdata/data";

interface Result extends Outcome {
  readonly of: Case;
  readonly known?: string;
}

const keyOf = ({ group, name }: Case) => `${group}/${name}`;
const plural = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;

const OPTIONS = {
  /** Cases whose `group/name` has this pattern. */
  only: { type: "string" },
  build: { type: "string", default: "simd" },
  /** A folder of wasm modules to take as they are; without it those of dist/, built anew where they are older than their sources. */
  dist: { type: "string" },
  json: { type: "boolean" },
} as const;

/** `root` is the project's folder. Returns the exit status. */
export async function main(args: readonly string[], root: URL): Promise<number> {
  const { values: options } = parseArgs({ args: [...args], options: OPTIONS });
  if (!options.dist) setup();
  const only = new RegExp(options.only ?? "");
  const cases = findCases(process.env.EDGEPACK_ONNX_TESTDATA ?? DEBIAN).filter((of) => only.test(keyOf(of)));
  const bytes = readFileSync(join(options.dist ?? fileURLToPath(new URL("dist", root)), `${options.build}.wasm`));
  if (!WebAssembly.validate(bytes)) {
    console.error(`Node ${process.versions.node} does not run the ${options.build} build; Node 22 and newer do`);
    return 1;
  }
  const wasm = new WebAssembly.Module(bytes);
  const results: Result[] = [];
  for (const of of cases) if (!of.excluded) results.push({ of, known: KNOWN_FAILURES.get(keyOf(of)), ...(await execute(of, wasm)) });

  const stale = options.only ? [] : [...KNOWN_FAILURES.keys()].filter((key) => !cases.some((of) => keyOf(of) === key && !of.excluded));
  const wrong = results.filter(({ failure, known }) => (failure === undefined) === (known !== undefined)).length + stale.length;
  const passed = results.filter(({ failure, known }) => failure === undefined && known === undefined).length;
  if (options.json)
    console.log(
      JSON.stringify(
        results.map(({ of, ...rest }) => ({ case: keyOf(of), ...rest })),
        null,
        2,
      ),
    );
  else print(cases, results, stale);
  console.log(`${passed} passed, ${wrong} failed`);
  return wrong ? 1 : 0;
}

function print(cases: readonly Case[], results: readonly Result[], stale: readonly string[]): void {
  const unexpected = results.filter(({ failure, known }) => failure !== undefined && known === undefined);
  const operators = [...new Set(unexpected.map(({ operator }) => operator))].sort();
  for (const operator of operators) {
    const own = unexpected.filter((result) => result.operator === operator);
    console.log(`${operator} (${own.length})`);
    for (const { of, failure } of own) console.log(`  ${keyOf(of)}: ${failure!.replaceAll("\n", " ")}`);
  }
  for (const { of, known } of results.filter(({ failure, known }) => failure === undefined && known !== undefined))
    console.log(`${keyOf(of)} passes, but is listed as a known failure: ${known}`);
  for (const key of stale) console.log(`${key} is listed as a known failure, but is no case`);
  const known = results.filter(({ failure, known }) => failure !== undefined && known !== undefined);
  if (known.length) console.log("\nknown failures");
  for (const { of, known: reason } of known) console.log(`  ${keyOf(of)}: ${reason}`);

  console.log("\ngroup              passed  failed  excluded");
  for (const group of [...GROUPS, "all"]) {
    const mine = (of: Case) => group === "all" || of.group === group;
    const own = results.filter(({ of }) => mine(of));
    const counts = [
      own.filter(({ failure }) => failure === undefined).length,
      own.filter(({ failure }) => failure !== undefined).length,
      cases.filter((of) => mine(of) && of.excluded).length,
    ];
    console.log(group.padEnd(17) + counts.map((n) => String(n).padStart(8)).join(""));
  }

  console.log("\nexcluded, since they are not inference on plain tensors");
  const reasons = cases.flatMap(({ excluded }) => excluded ?? []);
  for (const reason of new Set(reasons)) console.log(`  ${String(reasons.filter((r) => r === reason).length).padStart(3)}  ${reason}`);

  const frozen = results.filter(({ failure, frozen }) => failure === undefined && frozen.length > 0);
  const inputs = frozen.reduce((n, result) => n + result.frozen.length, 0);
  const idle = frozen.filter(({ live }) => live === 0).length;
  console.log(
    `\nOf the cases that pass, ${frozen.length} have inputs that set shapes and were made constants: ${plural(inputs, "input")} in all. In ${idle} of them no other input remained.`,
  );
}
