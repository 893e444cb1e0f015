/** Packages that answer over HTTP: how to start their process, ask it, and what such an answer has to look like. */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { PICTURES } from "./sample.ts";
import { type Engine, type Start, smokeSuite } from "./suite.ts";

export interface Server extends Engine {
  readonly url: string;
  readonly process: ChildProcess;
}

interface Answer {
  readonly outputs: Record<string, number[]>;
  readonly top: { index: number; label: string; score: number }[];
  readonly error?: { code: string; message: string };
}

export async function post(url: string, body: BodyInit, type = "application/octet-stream"): Promise<{ status: number; body: Answer }> {
  const response = await fetch(url, { method: "POST", body, headers: { "content-type": type } });
  return { status: response.status, body: (await response.json()) as Answer };
}

/** Starts a process and waits for the address that `find` sees in what it prints, on the stream `from` (1, or a pipe of `options.stdio`). */
export async function serve(command: string, args: string[], options: SpawnOptions, find: RegExp, from = 1): Promise<Server> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const port = await new Promise<string>((found, failed) => {
    let said = "";
    const stop = (why: string) => failed(new Error(`${command} ${why}:\n${said}`));
    const timer = setTimeout(() => stop("did not say where it listens"), 30_000);
    child.once("error", failed);
    child.once("exit", (code) => stop(`ended with status ${code}`));
    for (const [fd, stream] of child.stdio.entries())
      stream?.on("data", (data) => {
        said += data;
        const match = fd === from || fd === 2 ? find.exec(said) : null;
        if (!match) return;
        clearTimeout(timer);
        found(match[1]!);
      });
  });
  const url = `http://127.0.0.1:${port}/`;
  return {
    url,
    process: child,
    async run(picture) {
      const { status, body } = await post(url, picture as Uint8Array<ArrayBuffer>);
      if (status !== 200) throw new Error(body.error?.message);
      return Object.values(body.outputs)[0]!;
    },
    close: () =>
      new Promise((closed) => {
        child.removeAllListeners("exit");
        if (child.exitCode !== null) closed();
        child.once("exit", () => closed());
        child.kill("SIGKILL");
      }),
  };
}

/** The smoke suite, and what holds for handlers only. */
export function httpSuite(start: Start<Server>): { folder(): string } {
  const { engine, folder } = smokeSuite(start);

  it("describes the model on GET", async () => {
    const response = await fetch(engine().url);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ inputs: [{ dtype: "f32", preprocess: { mean: [0.286], std: [0.353] } }] });
  });

  it("names the best classes by their labels", async () => {
    const { body } = await post(engine().url, PICTURES[2] as Uint8Array<ArrayBuffer>);
    expect(body.top).toHaveLength(5);
    expect(body.top[0]!.label).toMatch(/\w/);
    expect(body.top.map(({ score }) => score)).toEqual(body.top.map(({ score }) => score).sort((a, b) => b - a));
  });

  it("answers mistakes with 4xx and the text of the error", async () => {
    const unknown = await post(engine().url, JSON.stringify({ "no such input": [1] }), "application/json");
    expect(unknown.status).toBe(400);
    expect(unknown.body.error).toMatchObject({ code: "INPUT_INVALID", message: expect.stringContaining("no such input") });
    expect((await post(engine().url, "{", "application/json")).status).toBe(400);
    expect((await post(engine().url, new Uint8Array(100_000))).status).toBe(413);
  });

  it("passes the package's own smoke test", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder(), "smoke.js"), engine().url]);
    expect(stdout).toMatch(/^ok: /);
  });

  return { folder };
}
