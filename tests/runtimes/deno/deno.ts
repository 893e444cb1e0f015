import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { type Server, serve } from "../http.ts";

/** Nothing is fetched, and nothing is kept between runs. */
const environment = (folder: string) => ({
  ...process.env,
  DENO_NO_UPDATE_CHECK: "1",
  DENO_DIR: join(folder, "../deno-cache"),
  NO_COLOR: "1",
});

/** The binary of this platform's package. */
async function binary(): Promise<string> {
  const scope = join(import.meta.dirname, "node_modules/@deno");
  const [platform] = await readdir(scope);
  if (!platform) throw new Error(`${scope} has no deno for ${process.platform} ${process.arch}`);
  return join(scope, platform, process.platform === "win32" ? "deno.exe" : "deno");
}

/** Runs `deno` in a folder to its end and gives what it printed; rejects on another status than 0. */
export async function runDeno(folder: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(await binary(), args, { cwd: folder, env: environment(folder) });
  return stdout + stderr;
}

/** Starts a folder as its `start` task does. */
export async function startDeno(folder: string): Promise<Server> {
  const env = { ...environment(folder), DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0" };
  const args = ["run", "--allow-net", "--allow-read=.", "main.ts"];
  return await serve(await binary(), args, { cwd: folder, env }, /Listening on http:\/\/[^:]+:(\d+)/);
}
