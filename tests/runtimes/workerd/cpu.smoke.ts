import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PICTURES, packageFor } from "../sample.ts";
import { startWorkerd } from "./workerd.ts";

const ROUNDS = 9;
const PROMISED = 1.5;

/** CPU milliseconds that a process has used in all its threads, from the scheduler's own nanoseconds: ticks of 10 ms are too coarse. */
async function cpuOf(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(
    tasks.map(async (task) => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, "utf8")).split(" ")[0])),
  );
  return spent.reduce((a, b) => a + b, 0) / 1e6;
}

/** CPU milliseconds of a Worker from the start of its process to its first answer. */
async function firstAnswer(folder: string): Promise<number> {
  const server = await startWorkerd(folder);
  try {
    const response = await fetch(server.url, { method: "POST", body: PICTURES[1] as Uint8Array<ArrayBuffer> });
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    return await cpuOf(server.process.pid!);
  } finally {
    await server.close();
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

describe("CPU from start to first answer, in workerd", () => {
  let worker: string;
  let empty: string;

  beforeAll(async () => {
    empty = await mkdtemp(join(tmpdir(), "edgepack-empty-"));
    worker = await packageFor("cloudflare");
    await writeFile(
      join(empty, "wrangler.jsonc"),
      await readFile(join(worker, "wrangler.jsonc"), "utf8").then((text) => text.replace("src/", "")),
    );
    await writeFile(join(empty, "index.js"), 'export default { fetch: () => new Response("{}") };\n');
  });
  afterAll(() => rm(empty, { recursive: true, force: true }));

  it(`is at most ${PROMISED} times that of an empty Worker`, async () => {
    await firstAnswer(empty);
    const model: number[] = [];
    const nothing: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      nothing.push(await firstAnswer(empty));
      model.push(await firstAnswer(worker));
    }
    const ratio = median(model) / median(nothing);
    console.log(
      `workerd, CPU to first answer: ${median(model).toFixed(1)} ms against ${median(nothing).toFixed(1)} ms empty, ${ratio.toFixed(2)} times (${PROMISED} promised)`,
    );
    expect(ratio).toBeLessThanOrEqual(PROMISED);
  });
});
