import { EdgepackError } from "../errors.ts";

/** Bytes, or where they are. A string is a URL; in Node a plain path as well. */
export type Source = ArrayBuffer | ArrayBufferView | Response | URL | string;

interface NodeProcess {
  getBuiltinModule?(name: "node:fs"): NodeFiles | undefined;
}

/** Not its promises, which cost more CPU than a small model's loading and running; unpacking occupies the thread longer than reading does. */
interface NodeFiles {
  readFileSync(path: string | URL): Uint8Array;
}

/** What a value is, of this realm or another: "ArrayBuffer", "Float32Array", "Null", … */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** Reads a source whole. Throws FILE where it cannot be read. */
export async function readSource(source: Source | PromiseLike<Source>): Promise<Uint8Array> {
  const given = await source;
  if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  if (typeof given === "string" || given instanceof URL) return readUrl(String(given));
  if (typeof Response === "function" && given instanceof Response) return readResponse(given);
  if (tagOf(given).endsWith("ArrayBuffer")) return new Uint8Array(given as ArrayBuffer);
  throw new EdgepackError("FILE", `Cannot read from ${tagOf(given)}: give bytes, a Response or a URL.`);
}

async function readResponse(response: Response): Promise<Uint8Array> {
  if (!response.ok) throw new EdgepackError("FILE", `${response.url || "The server"} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function readUrl(url: string): Promise<Uint8Array> {
  try {
    const scheme = /^[a-z][a-z\d+.-]+:/i.exec(url)?.[0].toLowerCase();
    const { process } = globalThis as { process?: NodeProcess };
    const fs = !scheme || scheme === "file:" ? process?.getBuiltinModule?.("node:fs") : undefined;
    return fs ? fs.readFileSync(scheme ? new URL(url) : url) : await readResponse(await fetch(url));
  } catch (cause) {
    if (cause instanceof EdgepackError) throw cause;
    throw new EdgepackError("FILE", `Cannot read ${url}: ${(cause as Error).message}`, [], { cause });
  }
}
