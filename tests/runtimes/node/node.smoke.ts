import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { httpSuite, serve } from "../http.ts";
import { bitsOf, expectedBits, PICTURES } from "../sample.ts";

interface NodePackage {
  load(): Promise<{ inputs: readonly { name: string }[]; run(inputs: object): Record<string, Float32Array> }>;
}

describe(`the package for Node, in Node ${process.versions.node}`, () => {
  const { folder } = httpSuite({
    target: "node",
    model: "model.bin",
    start: (folder) =>
      serve(process.execPath, [join(folder, "server.js")], { env: { ...process.env, PORT: "0" } }, /http:\/\/localhost:(\d+)/),
  });

  it("loads as a module and gives the same bits", async () => {
    const { load } = (await import(pathToFileURL(join(folder(), "index.js")).href)) as NodePackage;
    const model = await load();
    const expected = await expectedBits(await readFile(join(folder(), "model.bin")), "simd");
    for (const [i, picture] of PICTURES.entries()) {
      const [values] = Object.values(model.run({ [model.inputs[0]!.name]: picture }));
      expect(bitsOf(values!)).toEqual(expected[i]);
    }
  });

  it("gives the same bits without SIMD", async () => {
    const pack = await readFile(join(folder(), "model.bin"));
    expect(await expectedBits(pack, "scalar")).toEqual(await expectedBits(pack, "simd"));
  });
});
