import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageFor } from "../sample.ts";
import { type Engine, smokeSuite } from "../suite.ts";
import { type Browser, launch, type Page, serveFolder } from "./chromium.ts";

interface LoadedModel {
  readonly inputs: readonly { name: string }[];
  run(inputs: object): Record<string, Float32Array>;
}
interface Globals {
  model?: Promise<LoadedModel>;
  edgepackModels: Record<string, { load(): Promise<LoadedModel> }>;
}

interface PageEngine extends Engine {
  readonly page: Page;
  /** What went wrong in the page, and what its console was told as an error. */
  readonly complaints: string[];
}

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Only what stands here may run: no inline script, no eval, but WebAssembly. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; img-src data:";

/** Scripts that put a package's model where `run` finds it, as the code of a user's page would get it. */
const BY_MODULE = 'import { load } from "./index.js";\nglobalThis.model = load();\n';
const BY_GLOBAL = () => {
  const page = globalThis as unknown as Globals;
  page.model = Object.values(page.edgepackModels)[0]!.load();
};

async function open(url: string, load: (page: Page) => Promise<unknown>, close: () => void): Promise<PageEngine> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(url);
  await load(page);
  return {
    page,
    complaints,
    run: (picture) =>
      page.evaluate(
        async (bytes) => {
          const model = await (globalThis as unknown as Globals).model!;
          const [values] = Object.values(model.run({ [model.inputs[0]!.name]: Uint8Array.from(bytes) }));
          return [...values!];
        },
        [...picture],
      ),
    close: async () => {
      await page.close();
      close();
    },
  };
}

const byModule = (page: Page) => page.addScriptTag({ url: "user.js", type: "module" });
const byGlobal = (page: Page) => page.evaluate(BY_GLOBAL, undefined);

const served = (file: string, load: (page: Page) => Promise<unknown>, policy?: string) => async (folder: string) => {
  const server = await serveFolder(folder, { "/user.js": BY_MODULE }, policy);
  return await open(server.url + file, load, server.close);
};
const opened = (file: string) => (folder: string) => open(pathToFileURL(join(folder, file)).href, byGlobal, () => {});

const PAGES = [
  { name: "the module over http", start: served("index.html", byModule) },
  { name: "the module over http under a Content-Security-Policy", start: served("index.html", byModule, POLICY) },
  { name: "the classic script over http under a Content-Security-Policy", start: served("webview.html", byGlobal, POLICY) },
  { name: "the classic script from file://", start: opened("webview.html") },
];

describe.each(PAGES)("the package for the web, in Chromium: $name", ({ start }) => {
  const { engine } = smokeSuite({ target: "web", model: "model.bin", start });

  it("shows the model at work, without a complaint in the console", async () => {
    const { page, complaints } = engine();
    await page.locator("#answer li").first().waitFor();
    expect(await page.locator("#answer li").count()).toBe(5);
    expect((await page.locator("#status").allTextContents())[0]).toMatch(/^[\d.]+ ms$/);
    expect(complaints).toEqual([]);
  });
});

describe("the demo page, in Chromium, under a policy that forbids WebAssembly", () => {
  it("says what the policy lacks", async () => {
    const server = await serveFolder(await packageFor("web"), {}, POLICY.replace(" 'wasm-unsafe-eval'", ""));
    const page = await browser.newPage();
    await page.goto(`${server.url}webview.html`);
    await expect.poll(() => page.locator("#status").allTextContents()).toEqual([expect.stringContaining("'wasm-unsafe-eval'")]);
    await page.close();
    server.close();
  });
});
