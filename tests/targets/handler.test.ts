import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTarget } from "../../src/targets/index.ts";
import { META, SAMPLE, withFolder } from "./sample.ts";

type Handle = (request: Request, load: () => Promise<unknown>) => Promise<Response>;

let ask: (init: RequestInit) => Promise<{ status: number; body: Record<string, unknown> }>;
let close: () => void;
let closed: Promise<void>;

beforeAll(async () => {
  const files = await writeTarget("node", SAMPLE);
  await new Promise<void>((ready, failed) => {
    closed = withFolder(files, async (folder) => {
      const { handle } = (await import(pathToFileURL(join(folder, "handler.js")).href)) as { handle: Handle };
      const { load } = (await import(pathToFileURL(join(folder, "edgepack.js")).href)) as { load: () => Promise<unknown> };
      ask = async (init) => {
        const response = await handle(new Request("http://localhost/", init), load);
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      ready();
      await new Promise<void>((done) => {
        close = done;
      });
    }).catch(failed);
  });
});

afterAll(async () => {
  close();
  await closed;
});

const post = (body: BodyInit, type = "application/octet-stream") => ask({ method: "POST", body, headers: { "content-type": type } });
const postJson = (value: unknown) => post(JSON.stringify(value), "application/json");
const message = ({ body }: { body: Record<string, unknown> }) => (body.error as { message: string }).message;

describe("the handler that packages answer with", () => {
  it("describes the model on GET", async () => {
    const { status, body } = await ask({ method: "GET" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ model: "tiny", inputs: [{ name: "image", shape: [1, 1, 2, 2] }], labels: META.labels });
  });

  it("hands a picture's raw bytes to the model, which normalizes them", async () => {
    const { status, body } = await post(Uint8Array.of(1, 2, 3, 4));
    expect(status).toBe(200);
    expect(body.outputs).toEqual({ logits: [10, -10, 0] });
    expect(body.top).toEqual([
      { index: 0, label: "cat", score: 10 },
      { index: 2, label: "fish", score: 0 },
      { index: 1, label: "dog", score: -10 },
    ]);
  });

  it("takes f32 bytes, flat JSON and nested JSON for the same values", async () => {
    const answers = [
      await post(Float32Array.of(0.5, 0.25, 1, 2)),
      await postJson({ image: [0.5, 0.25, 1, 2] }),
      await postJson({
        image: [
          [
            [
              [0.5, 0.25],
              [1, 2],
            ],
          ],
        ],
      }),
    ];
    for (const { body } of answers) expect(body.outputs).toEqual({ logits: [3.75, -3.75, 0] });
  });

  it.each([
    ["a body of another length", () => post(new Uint8Array(7)), 400, /7 bytes; "image" takes 4 bytes of pixels or 16 bytes of f32/],
    ["an empty body", () => ask({ method: "POST" }), 400, /0 bytes/],
    ["a body longer than any input", () => post(new Uint8Array(5000)), 413, /longer than the 1024 bytes/],
    ["broken JSON", () => post("{", "application/json"), 400, /not JSON/],
    ["JSON that is no object", () => postJson([1]), 400, /object of arrays: \{ "image": \[…\] \}/],
    ["JSON with something else than numbers", () => postJson({ image: [1, "2"] }), 400, /"image" holds "2" at 1/],
    ["an input that the model has not", () => postJson({ imago: [1] }), 400, /no input is called imago/],
    ["another method", () => ask({ method: "DELETE" }), 405, /GET or POST/],
  ])("answers %s with a 4xx that says why", async (_, request, status, text) => {
    const answer = await request();
    expect(answer.status).toBe(status);
    expect(message(answer)).toMatch(text);
  });
});
