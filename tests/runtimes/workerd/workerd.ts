/** Cloudflare's engine, run on a folder as `wrangler` would upload it: modules by their extensions, main and date from wrangler.jsonc. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import ts from "typescript";
import { type Server, serve } from "../http.ts";

/** Module kinds of Workers by extension: those that need no rule. */
const KINDS: Readonly<Record<string, string>> = { js: "esModule", wasm: "wasm", bin: "data" };

/** The binary of this platform's package; the launcher beside it is a script that would hide the process to be measured. */
async function binary(): Promise<string> {
  const scope = join(import.meta.dirname, "node_modules/@cloudflare");
  const [platform] = (await readdir(scope)).filter((name) => name.startsWith("workerd-"));
  if (!platform) throw new Error(`${scope} has no workerd for ${process.platform} ${process.arch}`);
  return join(scope, platform, "bin/workerd");
}

/** Rows of the configuration, the main module first. Paths are relative to `from`: capnp takes others for paths of its own library. */
async function modulesOf(folder: string, main: string, from: string): Promise<string[]> {
  const names = await readdir(folder);
  const modules = names.filter((name) => KINDS[name.split(".").at(-1)!]).sort((a, b) => Number(b === main) - Number(a === main));
  return modules.map((name) => `(name = "${name}", ${KINDS[name.split(".").at(-1)!]} = embed "${relative(from, join(folder, name))}")`);
}

/** `folder` holds a `wrangler.jsonc`. */
export async function startWorkerd(folder: string): Promise<Server> {
  const { config, error } = ts.parseConfigFileTextToJson("wrangler.jsonc", await readFile(join(folder, "wrangler.jsonc"), "utf8"));
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
  const main = join(folder, config.main);
  const scratch = await mkdtemp(join(tmpdir(), "edgepack-workerd-"));
  const modules = await modulesOf(dirname(main), basename(main), scratch);
  const file = join(scratch, "config.capnp");
  await writeFile(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (compatibilityDate = "${config.compatibility_date}", modules = [
    ${modules.join(",\n    ")}
  ]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  v8Flags = ["--wasm-max-mem-pages=2048"],
);
`,
  );
  // The control stream tells which port the kernel gave.
  const args = ["serve", file, "--control-fd=3"];
  const server = await serve(await binary(), args, { stdio: ["ignore", "pipe", "pipe", "pipe"] }, /"socket":"http","port":(\d+)/, 3);
  const close = async () => {
    await server.close();
    await rm(scratch, { recursive: true, force: true });
  };
  return { ...server, close };
}
