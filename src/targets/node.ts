import { bodyAdvice, exampleInputs, modelTypes, portsTable } from "./declarations.ts";
import { LIMITS } from "./limits.ts";
import type { Target } from "./target.ts";
import { fromTemplates, json, slug } from "./template.ts";

/** An npm package without dependencies, and a server on top of it. */
export const node: Target = {
  title: "Node",
  description: "a package for Node without dependencies, and an HTTP server",
  limits: LIMITS.node,
  async files({ epk, meta, modelName, runtime }) {
    const name = slug(modelName);
    const files = await fromTemplates(
      {
        "README.md": "node/README.md",
        "index.js": "node/index.js",
        "index.d.ts": "node/index.d.ts",
        "server.js": "node/server.js",
        "smoke.js": "shared/smoke.js",
        "handler.js": "shared/handler.js",
        "handler.d.ts": "shared/handler.d.ts",
        "edgepack.d.ts": "shared/edgepack.d.ts",
      },
      {
        name: modelName,
        slug: name,
        example: exampleInputs(meta),
        bodyAdvice: bodyAdvice(meta),
        ports: portsTable(meta),
        code: "./",
        url: "http://localhost:8000/",
      },
    );
    return files
      .set(
        "package.json",
        json({
          name,
          version: "0.0.0",
          private: true,
          type: "module",
          engines: { node: ">=20.16" },
          exports: {
            ".": { types: "./index.d.ts", default: "./index.js" },
            "./handler": { types: "./handler.d.ts", default: "./handler.js" },
          },
          scripts: { start: "node server.js", test: "node smoke.js" },
        }),
      )
      .set("model.d.ts", modelTypes(meta))
      .set("edgepack.js", runtime.module)
      .set("simd.wasm", runtime.simd)
      .set("scalar.wasm", runtime.scalar)
      .set("model.bin", epk);
  },
};
