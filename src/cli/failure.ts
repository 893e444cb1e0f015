import { CommanderError } from "commander";
import { EdgepackError, ERROR_CODES } from "../errors.ts";
import { colorsFor, note, type Terminal } from "./terminal.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "it is a folder",
  EFBIG: "the file would be too large",
};

/** A failed system call as FILE, which says in words why; other errors as they are. */
export function fileError(error: unknown, what: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof EdgepackError || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  return new EdgepackError("FILE", `${what}: ${REASONS[code] ?? message}`, [], { cause: error });
}

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
