import { CommanderError } from "commander";
import { EdgepackError, ERROR_CODES } from "../errors.ts";
import { colorsFor, note, type Terminal } from "./terminal.ts";

/** Prints why a command failed and returns its exit status: 1 failed, 2 wrong usage. A stack trace only where EDGEPACK_DEBUG=1. */
export function reportFailure(terminal: Terminal, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR_CODES.USAGE;
  const known = error instanceof EdgepackError;
  const red = colorsFor(terminal, terminal.stderr).red("error:");
  if (known) note(terminal, `${red} ${error.message}`);
  else
    note(terminal, `${red} a bug in edgepack (${String(error)}); please report it with the command you ran. EDGEPACK_DEBUG=1 shows where.`);
  if (terminal.env.EDGEPACK_DEBUG === "1" && error instanceof Error)
    note(terminal, `${error.stack}${error.cause ? `\ncause: ${error.cause}` : ""}`);
  return known ? ERROR_CODES[error.code] : 1;
}
