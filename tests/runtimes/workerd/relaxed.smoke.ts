import { copyFile, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bitsOf, expectedBits, PICTURES, packageFor } from "../sample.ts";
import { startWorkerd } from "./workerd.ts";

const relaxed = join(import.meta.dirname, "../../../dist/relaxed.wasm");

describe("the relaxed build, in workerd", () => {
  it("gives the integers of an int8 model the same bits", async () => {
    const worker = await mkdtemp(join(tmpdir(), "edgepack-relaxed-"));
    await cp(await packageFor("cloudflare"), worker, { recursive: true });
    await copyFile(relaxed, join(worker, "src/simd.wasm"));
    const server = await startWorkerd(worker);
    try {
      const expected = await expectedBits(await readFile(join(worker, "src/model.bin")), "simd");
      for (const [i, picture] of PICTURES.entries()) expect(bitsOf(await server.run(picture)), `picture ${i}`).toEqual(expected[i]);
    } finally {
      await server.close();
      await rm(worker, { recursive: true });
    }
  });
});
