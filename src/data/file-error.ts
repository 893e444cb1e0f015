import { EdgepackError } from "../errors.ts";

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
