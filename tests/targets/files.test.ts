import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { transform } from "esbuild";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { TARGETS, type TargetName, writeTarget } from "../../src/targets/index.ts";
import { slug } from "../../src/targets/template.ts";
import { SAMPLE, withFolder } from "./sample.ts";

const NAMES = Object.keys(TARGETS) as TargetName[];
const HOSTILE = '</title><script>alert(1)</script>\n"{{runtime}}"; {{ports}} */ `';

const text = (data: Uint8Array | string | undefined): string => {
  if (typeof data !== "string") throw new Error("not a text file");
  return data;
};

const EXPECTED: Record<TargetName, string[]> = {
  cloudflare: [
    "README.md",
    "package.json",
    "smoke.js",
    "src/edgepack.js",
    "src/index.d.ts",
    "src/index.js",
    "src/model.bin",
    "src/simd.wasm",
    "wrangler.jsonc",
  ],
  deno: ["README.md", "deno.json", "edgepack.js", "main.ts", "model.bin", "model.d.ts", "simd.wasm", "smoke.js"],
  web: ["README.md", "index.d.ts", "index.html", "index.js", "model.bin", "model.iife.js", "scalar.wasm", "simd.wasm", "webview.html"],
  node: ["README.md", "index.d.ts", "index.js", "model.bin", "package.json", "scalar.wasm", "server.js", "simd.wasm", "smoke.js"],
};

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  allowJs: true,
  checkJs: true,
  noEmit: true,
  skipDefaultLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  typeRoots: [join(import.meta.dirname, "../../node_modules/@types")],
};

/** Parsed once for all packages: TypeScript's own libraries are most of the work. */
const libraries = new Map<string, ts.SourceFile | undefined>();
const host = ts.createCompilerHost(OPTIONS);
const { getSourceFile } = host;
host.getSourceFile = (path, ...rest) => {
  if (!path.includes("/node_modules/")) return getSourceFile(path, ...rest);
  if (!libraries.has(path)) libraries.set(path, getSourceFile(path, ...rest));
  return libraries.get(path);
};

/** What TypeScript says of a folder's scripts and types, read as a careful user's editor would. */
function typeErrors(folder: string, roots: string[]): string[] {
  const types = roots.includes("server.js") ? ["node"] : [];
  const paths = roots.map((path) => join(folder, path));
  return ts
    .getPreEmitDiagnostics(ts.createProgram(paths, { ...OPTIONS, types }, host))
    .map(({ file, messageText }) => `${file?.fileName.slice(folder.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}

describe.each(NAMES)("the package for %s", (target) => {
  it("holds what its place needs, and the model and kernels unchanged", async () => {
    const files = await writeTarget(target, SAMPLE);
    expect([...files.keys()]).toEqual(expect.arrayContaining(EXPECTED[target]));
    const binaries = [...files].filter(([path]) => /\.(bin|wasm)$/.test(path));
    for (const [path, data] of binaries) expect(data, path).toBe(path.endsWith(".bin") ? SAMPLE.epk : SAMPLE.runtime.simd);
  });

  it("parses: scripts, types, JSON and pages without inline scripts", async () => {
    for (const [path, data] of await writeTarget(target, SAMPLE)) {
      if (/\.(js|ts)$/.test(path)) await transform(text(data), { loader: path.endsWith(".ts") ? "ts" : "js" });
      if (/\.jsonc?$/.test(path)) expect(ts.parseConfigFileTextToJson(path, text(data)).error, path).toBeUndefined();
      if (path.endsWith(".html")) for (const [tag] of text(data).matchAll(/<script[^>]*>/g)) expect(tag, path).toContain("src=");
    }
  });

  it("names only files that it holds, by relative paths, and leaves no place holder", async () => {
    const files = await writeTarget(target, SAMPLE);
    for (const [path, data] of files) {
      if (typeof data !== "string") continue;
      expect(data, path).not.toMatch(/\{\{\w+\}\}/);
      expect(data, path).not.toMatch(/(["'`(])\/(home|root|tmp|usr|work)\b|file:\/\/\//);
      const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
      const named = [...data.matchAll(/(?:from |import\(|file\(|new URL\(|src=|href=)["'](?:\.\/)?([\w./]+\.\w+)["']/g)].map(
        ([, name]) => name,
      );
      for (const name of named) {
        const at = folder + name;
        expect([...files.keys()], `${path} names ${name}`).toContain(files.has(at) ? at : at.replace(/\.js$/, ".d.ts"));
      }
    }
  });

  it("stays whole when the names that a model brings are hostile", async () => {
    const rename = <P extends { name: string }>(port: P): P => ({ ...port, name: HOSTILE });
    const meta = { ...SAMPLE.meta, name: HOSTILE, inputs: SAMPLE.meta.inputs.map(rename), outputs: SAMPLE.meta.outputs.map(rename) };
    const files = await writeTarget(target, { ...SAMPLE, meta, modelName: HOSTILE });
    for (const [path, data] of files) {
      if (/\.(js|ts)$/.test(path)) await transform(text(data), { loader: path.endsWith(".ts") ? "ts" : "js" });
      if (path.endsWith("model.d.ts")) expect(text(data).match(/^ {2}\S.*/gm)).toHaveLength(4);
      if (path.endsWith(".html")) expect(text(data)).not.toContain("<script>");
      if (path === "package.json") expect(JSON.parse(text(data)).name).toMatch(/^[a-z][a-z0-9-]*$/);
    }
  });
});

describe("types", { timeout: 60_000 }, () => {
  const ROOTS: Partial<Record<TargetName, string[]>> = {
    cloudflare: ["src/index.js", "src/handler.js", "src/modules.d.ts", "src/index.d.ts"],
    web: ["index.js", "demo.js", "index.d.ts", "model.iife.d.ts"],
    node: ["index.js", "server.js", "handler.js", "index.d.ts"],
  };

  it.each(Object.entries(ROOTS))("of the package for %s compile, its scripts included", async (target, roots) => {
    const files = await writeTarget(target as TargetName, SAMPLE);
    expect(await withFolder(files, async (folder) => typeErrors(folder, roots))).toEqual([]);
  });

  it("know the model's inputs and outputs by name", async () => {
    const files = await writeTarget("node", SAMPLE);
    const good = `import { load } from "./index.js";\nconst { logits } = (await load()).run({ image: new Uint8Array(4) });\nexport const first: number = logits[0]!;\n`;
    const errors = await withFolder(files.set("good.ts", good).set("bad.ts", good.replace("image:", "imago:")), async (folder) =>
      typeErrors(folder, ["good.ts", "bad.ts"]),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^bad\.ts: .*'imago' does not exist/);
  });
});

describe("the classic script", () => {
  it("sets one global that loads the model inside it", async () => {
    const files = await writeTarget("web", SAMPLE);
    const page = { WebAssembly, Uint8Array, Float32Array, atob } as Record<string, unknown>;
    runInNewContext(text(files.get("model.iife.js")), page);
    const { load } = (page.edgepackModels as Record<string, { load(): Promise<{ pack: Uint8Array; wasm: unknown }> }>)["tiny-model"]!;
    const model = await load();
    expect([...model.pack]).toEqual([...SAMPLE.epk]);
    expect(model.wasm).toEqual({ simd: SAMPLE.runtime.simd, scalar: SAMPLE.runtime.scalar });
  });
});

describe("slug", () => {
  it.each([
    ["ResNet 20 (int8)", "resnet-20-int8"],
    ["3D–Ünet", "d-unet"],
    ["模型", "model"],
    ["a".repeat(80), "a".repeat(54)],
  ])("makes a package's name of %s", (name, expected) => expect(slug(name)).toBe(expected));
});
