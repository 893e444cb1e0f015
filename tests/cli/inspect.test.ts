import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeOnnx } from "../../src/onnx/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { cli, example } from "./program.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgepack-inspect-"));
  const graph = graphOf({
    inputs: { x: [1, 2, 4, 5] },
    constants: { w: random([3, 2, 1, 1], 1) },
    nodes: [["Conv", "x w", "y"]],
    outputs: "y",
  });
  writeFileSync(join(folder, "image.onnx"), writeOnnx(graph));
});

afterAll(() => rmSync(folder, { recursive: true }));

it("names the Transposes that the layout leaves to the run", async () => {
  const path = join(folder, "image.onnx");
  expect(JSON.parse((await cli("inspect", path, "--json")).out).transposes).toEqual([
    expect.objectContaining({ input: "f32[1,2,4,5]", perm: [0, 2, 3, 1], elements: 40 }),
    expect.objectContaining({ input: "f32[1,4,5,3]", perm: [0, 3, 1, 2], elements: 60 }),
  ]);
  expect((await cli("inspect", path)).out).toMatch(/^transposes f32\[1,2,4,5\] by \[0,2,3,1\], /m);
  expect((await cli("inspect", example("dscnn.onnx"))).out).toMatch(/^transposes none/m);
});
