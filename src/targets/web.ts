import { exampleInputs, modelTypes, portsTable } from "./declarations.ts";
import { LIMITS } from "./limits.ts";
import type { Target, TargetInput } from "./target.ts";
import { fill, fromTemplates, json, readTemplate, slug } from "./template.ts";

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");

/** One classic script: where a webview opens files, it has neither modules nor fetch nor workers. */
async function classicScript({ epk, modelName, runtime }: TargetInput): Promise<string> {
  const template = await readTemplate("web/classic.js");
  const values = {
    name: modelName,
    slug: slug(modelName),
    simd: base64(runtime.simd),
    scalar: base64(runtime.scalar),
    model: base64(epk),
  };
  return template
    .split('"{{runtime}}";')
    .map((part) => fill(part, values))
    .join(runtime.classic);
}

const scripts = (...tags: string[]): string => tags.join("\n    ");

/** Files for a web server, one classic script for everything else, and a demo page for each. */
export const web: Target = {
  title: "Browsers and webviews",
  description: "an ES module for browsers, one classic script for webviews and file://, and demo pages",
  limits: LIMITS.web,
  async files(input) {
    const { epk, meta, modelName, runtime } = input;
    const name = slug(modelName);
    const title = escapeHtml(modelName);
    const files = await fromTemplates(
      {
        "README.md": "web/README.md",
        "index.js": "web/index.js",
        "index.d.ts": "web/index.d.ts",
        "model.iife.d.ts": "web/classic.d.ts",
        "edgepack.d.ts": "shared/edgepack.d.ts",
        "demo.css": "web/demo.css",
        "demo.js": "web/demo.js",
        "main.js": "web/main.js",
        "webview.js": "web/webview.js",
      },
      { name: modelName, slug: name, example: exampleInputs(meta), ports: portsTable(meta) },
    );
    const page = await readTemplate("web/page.html");
    const demo = '<script src="demo.js"></script>';
    const module = scripts(demo, '<script type="module" src="main.js"></script>');
    const classic = scripts('<script src="model.iife.js"></script>', demo, '<script src="webview.js"></script>');
    return files
      .set("index.html", fill(page, { title, scripts: module }))
      .set("webview.html", fill(page, { title, scripts: classic }))
      .set(
        "package.json",
        json({ name, version: "0.0.0", private: true, type: "module", exports: { ".": { types: "./index.d.ts", default: "./index.js" } } }),
      )
      .set("model.d.ts", modelTypes(meta))
      .set("model.iife.js", await classicScript(input))
      .set("edgepack.js", runtime.module)
      .set("simd.wasm", runtime.simd)
      .set("scalar.wasm", runtime.scalar)
      .set("model.bin", epk);
  },
};
