import { randomBytes } from "node:crypto";
import { existsSync, promises as fs, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readHead } from "../data/file.ts";
import { fileError } from "../data/file-error.ts";
import { EdgepackError } from "../errors.ts";

/** Lists what edgepack wrote into a folder, so that a later build replaces that and nothing else. */
const MANIFEST = ".edgepack.json";

const temporaryFor = (path: string) => join(dirname(resolve(path)), `.${basename(resolve(path))}.${randomBytes(6).toString("hex")}.tmp`);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs `work`, which prepares `temporary`; nothing is left of that when it fails or the process is told to stop. */
async function withTemporary(temporary: string, path: string, work: () => Promise<void>): Promise<void> {
  const remove = () => rmSync(temporary, { recursive: true, force: true });
  const stop = (signal: NodeJS.Signals) => {
    remove();
    for (const s of SIGNALS) process.off(s, stop);
    process.kill(process.pid, signal);
  };
  for (const s of SIGNALS) process.on(s, stop);
  try {
    await work();
  } catch (error) {
    throw fileError(error, `${path} cannot be written`);
  } finally {
    for (const s of SIGNALS) process.off(s, stop);
    remove();
  }
}

/** Refuses, before any work is done, an output file that must not or cannot be written: one that `isOurs` does not know as `kind`, unless forced. */
export function checkFile(path: string, force: boolean, isOurs: (head: Uint8Array) => boolean, kind = "a .epk"): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw new EdgepackError("FILE", `${path} is a folder; give the name of a file`);
  if (stat && !force && !isOurs(readHead(path, 16)))
    throw new EdgepackError("FILE", `${path} exists and is not ${kind}; --force overwrites it`);
  if (!statSync(dirname(resolve(path)), { throwIfNoEntry: false })?.isDirectory())
    throw new EdgepackError("FILE", `the folder of ${path} does not exist`);
}

/** Writes a file whole or not at all: a temporary sibling that takes its place once it is on the disk. */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryFor(path);
  await withTemporary(temporary, path, async () => {
    await fs.writeFile(temporary, bytes, { flush: true });
    await fs.rename(temporary, path);
  });
}

/** Refuses, before any work is done, a folder that others filled, unless forced. */
export function checkFolder(path: string, force: boolean): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory()) throw new EdgepackError("FILE", `${path} is a file; give the name of a folder`);
  if (!stat || force || existsSync(join(path, MANIFEST))) return;
  if (readdirSync(path).length > 0)
    throw new EdgepackError(
      "FILE",
      `${path} is not empty and was not written by edgepack; --force writes into it and keeps what else is there`,
    );
}

/** What an earlier build wrote into a folder, as relative paths. */
function ownFiles(folder: string): ReadonlySet<string> {
  try {
    const { files } = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8"));
    return new Set(Array.isArray(files) ? [...files.filter((f) => typeof f === "string"), MANIFEST] : [MANIFEST]);
  } catch {
    return new Set();
  }
}

/** Moves what people added to the old folder (their files, node_modules, local state) over to the new one. */
function carryOver(from: string, to: string, own: ReadonlySet<string>, under = ""): void {
  for (const entry of readdirSync(join(from, under), { withFileTypes: true })) {
    const path = under + entry.name;
    const shared = entry.isDirectory() && (existsSync(join(to, path)) || [...own].some((file) => file.startsWith(`${path}/`)));
    if (shared) carryOver(from, to, own, `${path}/`);
    else if (!own.has(path) && !existsSync(join(to, path))) {
      mkdirSync(join(to, under), { recursive: true });
      renameSync(join(from, path), join(to, path));
    }
  }
}

/**
 * Writes a folder whole or not at all: a temporary sibling that takes its place once all is on the disk. Of a folder that was there, what edgepack
 * wrote is replaced and all else is kept.
 */
export async function writeFolder(
  path: string,
  files: ReadonlyMap<string, Uint8Array | string>,
  about: Readonly<Record<string, string>>,
): Promise<void> {
  const temporary = temporaryFor(path);
  const old = temporaryFor(path);
  const manifest = `${JSON.stringify({ ...about, files: [...files.keys()] }, null, 2)}\n`;
  await withTemporary(temporary, path, async () => {
    for (const [name, data] of [...files, [MANIFEST, manifest] as const]) {
      await fs.mkdir(dirname(join(temporary, name)), { recursive: true });
      await fs.writeFile(join(temporary, name), data, { flush: true });
    }
    if (!existsSync(path)) return fs.rename(temporary, path);
    // From here on nothing waits, so that no signal handler sees a half-done exchange.
    renameSync(path, old);
    try {
      renameSync(temporary, path);
    } catch (error) {
      renameSync(old, path);
      throw error;
    }
    try {
      carryOver(old, path, ownFiles(old));
    } catch (error) {
      throw fileError(error, `${path} is written, but files that were in it before still lie in ${old}`);
    }
    rmSync(old, { recursive: true, force: true });
  });
}
