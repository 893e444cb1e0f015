import { fileURLToPath } from "node:url";
import { runCli } from "../../src/cli/cli.ts";
import { recorder } from "./terminal.ts";

/** A file of examples/fashion-mnist. */
export const example = (name: string) => fileURLToPath(new URL(`../../examples/fashion-mnist/${name}`, import.meta.url));

/** Runs a command line in this process: its exit status, and what it printed. */
export async function cli(...args: string[]) {
  const terminal = recorder();
  const status = await runCli(args, terminal);
  return { status, ...terminal.printed };
}
