import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { httpSuite, serve } from "../http.ts";
import { bitsOf, expectedBits, PICTURES, packageFor } from "../sample.ts";

interface NodePackage {
  load(): Promise<{ inputs: readonly { name: string }[]; run(inputs: object): Record<string, Float32Array> }>;
}

const installed = (major: number) => join(import.meta.dirname, `node_modules/node-${major}-${process.arch}/bin/node`);

/** The engine that runs the project, and newer ones: each has a V8 of its own. */
const NODES = [
  { name: process.versions.node, command: process.execPath },
  { name: "22", command: installed(22) },
  { name: "24", command: installed(24) },
];

describe.each(NODES)("the package for Node, served by Node $name", ({ command }) => {
  httpSuite({
    target: "node",
    model: "model.bin",
    start: (folder) => serve(command, [join(folder, "server.js")], { env: { ...process.env, PORT: "0" } }, /http:\/\/localhost:(\d+)/),
  });
});

describe("the package for Node, as a module in this process", () => {
  it("gives the same bits", async () => {
    const folder = await packageFor("node");
    const { load } = (await import(pathToFileURL(join(folder, "index.js")).href)) as NodePackage;
    const model = await load();
    const expected = await expectedBits(await readFile(join(folder, "model.bin")), "simd");
    for (const [i, picture] of PICTURES.entries()) {
      const [values] = Object.values(model.run({ [model.inputs[0]!.name]: picture }));
      expect(bitsOf(values!)).toEqual(expected[i]);
    }
  });

  it("gives the same bits without SIMD", async () => {
    const pack = await readFile(join(await packageFor("node"), "model.bin"));
    expect(await expectedBits(pack, "scalar")).toEqual(await expectedBits(pack, "simd"));
  });
});
