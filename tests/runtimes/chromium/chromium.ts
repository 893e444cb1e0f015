/** Debian's Chromium, and a server of static files for it to read a package from. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

/** The part of playwright-core that the suite uses; the package itself is installed beside this file, not in the project. */
export interface Page {
  goto(url: string): Promise<unknown>;
  addScriptTag(options: { url: string; type?: string }): Promise<unknown>;
  evaluate<A, R>(script: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  locator(selector: string): { count(): Promise<number>; first(): { waitFor(): Promise<void> }; allTextContents(): Promise<string[]> };
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  close(): Promise<void>;
}

export interface Browser {
  newPage(): Promise<Page>;
  version(): string;
  close(): Promise<void>;
}

const { chromium } = createRequire(import.meta.url)("playwright-core") as { chromium: { launch(options: object): Promise<Browser> } };

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
};

/** Serves a folder, and `extra` files over it; `policy` is sent as Content-Security-Policy with every file. */
export async function serveFolder(
  folder: string,
  extra: Readonly<Record<string, string>>,
  policy?: string,
): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    try {
      const data = extra[path] ?? (await readFile(join(folder, path)));
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, ...(policy && { "content-security-policy": policy }) }).end(data);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}
