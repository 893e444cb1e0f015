// A transform of asc: exports the kernel of each op under the op's code, so that a module says which ops it has ("16" in exports), and a
// module without some of them can be made of it (src/trim). What is exported is not inlined into the interpreter either.
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

const source = readFileSync(new URL("../assembly/shared/plan.ts", import.meta.url), "utf8");
const { code } = transformSync(source, { loader: "ts", format: "esm" });
const { Op } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
const ops = Object.keys(Op).filter((name) => Number.isNaN(Number(name)) && Op[name] !== Op.end);

/** A function as asc names it: its file, then its name. */
const KERNEL = /^assembly\/(?:kernels|scalar)\/.*\/(\w+)$/;

export default class ExportKernels {
  afterCompile(module) {
    const functions = new Map();
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const { name } = this.binaryen.getFunctionInfo(module.getFunctionByIndex(i));
      functions.set(KERNEL.exec(name)?.[1], name);
    }
    for (const name of ops) if (functions.has(name)) module.addFunctionExport(functions.get(name), String(Op[name]));
  }
}
