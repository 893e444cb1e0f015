import { bodyAdvice, modelTypes, portsTable } from "./declarations.ts";
import { LIMITS } from "./limits.ts";
import type { Target } from "./target.ts";
import { fromTemplates, json } from "./template.ts";

/** A Deno application. Files beside the entry point are read, not imported: that works on Deno Deploy and needs no flag. */
export const deno: Target = {
  title: "Deno",
  description: "an application for Deno and Deno Deploy with deno.json and an HTTP handler",
  limits: LIMITS.deno,
  async files({ epk, meta, modelName, runtime }) {
    const files = await fromTemplates(
      {
        "README.md": "deno/README.md",
        "main.ts": "deno/main.ts",
        "smoke.js": "shared/smoke.js",
        "handler.js": "shared/handler.js",
        "handler.d.ts": "shared/handler.d.ts",
        "edgepack.d.ts": "shared/edgepack.d.ts",
      },
      { name: modelName, bodyAdvice: bodyAdvice(meta), ports: portsTable(meta), code: "./", url: "http://localhost:8000/" },
    );
    const tasks = {
      start: "deno run --allow-net --allow-read=. main.ts",
      test: "deno run --allow-net --allow-read=. smoke.js",
      check: "deno check main.ts",
    };
    return files
      .set("deno.json", json({ tasks }))
      .set("model.d.ts", modelTypes(meta))
      .set("edgepack.js", `// @ts-self-types="./edgepack.d.ts"\n${runtime.module}`)
      .set("simd.wasm", runtime.simd)
      .set("model.bin", epk);
  },
};
