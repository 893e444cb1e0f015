import { bodyAdvice, modelTypes, portsTable } from "./declarations.ts";
import { LIMITS } from "./limits.ts";
import type { Target } from "./target.ts";
import { fromTemplates, json, slug } from "./template.ts";

/** A Worker. Its engine refuses to compile bytes, so the kernels are imported as a module; `.bin` is imported as an ArrayBuffer. */
export const cloudflare: Target = {
  title: "Cloudflare Workers",
  description: "a Worker with wrangler.jsonc, the kernels as a wasm module and an HTTP handler",
  limits: LIMITS.cloudflare,
  async files({ epk, meta, modelName, runtime }) {
    const name = slug(modelName);
    const files = await fromTemplates(
      {
        "wrangler.jsonc": "cloudflare/wrangler.jsonc",
        "README.md": "cloudflare/README.md",
        "smoke.js": "shared/smoke.js",
        "src/index.js": "cloudflare/index.js",
        "src/index.d.ts": "cloudflare/index.d.ts",
        "src/modules.d.ts": "cloudflare/modules.d.ts",
        "src/handler.js": "shared/handler.js",
        "src/handler.d.ts": "shared/handler.d.ts",
        "src/edgepack.d.ts": "shared/edgepack.d.ts",
      },
      {
        name: modelName,
        slug: name,
        compatibilityDate: "2026-11-01",
        bodyAdvice: bodyAdvice(meta),
        ports: portsTable(meta),
        code: "./src/",
        url: "http://localhost:8787/",
      },
    );
    return files
      .set(
        "package.json",
        json({
          name,
          private: true,
          type: "module",
          scripts: { dev: "wrangler dev", deploy: "wrangler deploy", test: "node smoke.js" },
          devDependencies: { wrangler: "^4" },
        }),
      )
      .set("src/model.d.ts", modelTypes(meta))
      .set("src/edgepack.js", runtime.module)
      .set("src/simd.wasm", runtime.simd)
      .set("src/model.bin", epk);
  },
};
