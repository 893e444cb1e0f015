import { Command } from "commander";
import { version } from "../../package.json";
import { addBench } from "./commands/bench.ts";
import { addBuild } from "./commands/build.ts";
import { addCheck } from "./commands/check.ts";
import { addCompare } from "./commands/compare.ts";
import { addEval } from "./commands/eval.ts";
import { addExport } from "./commands/export.ts";
import { addInspect } from "./commands/inspect.ts";
import { addRun } from "./commands/run.ts";
import { addSensitivity } from "./commands/sensitivity.ts";
import { reportFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** The commands; each adds itself. */
function createProgram(terminal: Terminal): Command {
  const program = new Command("edgepack")
    .description("Turns an ONNX model into a small, fast WebAssembly package for the edge.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => terminal.stdout.columns ?? 100,
      getErrHelpWidth: () => terminal.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      "\nExample:\n  $ edgepack build model.onnx --calibration photos/ --target cloudflare -o worker\n\n`edgepack <command> --help` shows each command's options.",
    );
  for (const add of [addCheck, addBuild, addRun, addEval, addExport, addInspect, addCompare, addSensitivity, addBench])
    add(program, terminal);
  return program;
}

/** Runs one command line (without node and script) and returns its exit status: 0 done, 1 failed, 2 wrong usage. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return reportFailure(terminal, error);
  }
}
