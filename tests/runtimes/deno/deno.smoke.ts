import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { httpSuite } from "../http.ts";
import { runDeno, startDeno } from "./deno.ts";

describe("the package for Deno, in Deno", () => {
  const { folder } = httpSuite({ target: "deno", model: "model.bin", start: startDeno });

  it("passes deno's type checker", async () => {
    expect(await runDeno(folder(), "check", "main.ts")).not.toMatch(/error/i);
  });

  it("is started by its task with the permissions that the suite gives it", async () => {
    const { tasks } = JSON.parse(await readFile(join(folder(), "deno.json"), "utf8"));
    expect(tasks.start).toBe("deno run --allow-net --allow-read=. main.ts");
  });
});
