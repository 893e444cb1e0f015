import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withSteps } from "../../scripts/recipe-steps.ts";
import { checkRecipe } from "../../src/compress/recipe.ts";

const page = readFileSync(new URL("../../docs/compression.md", import.meta.url), "utf8");

describe("docs/compression.md", () => {
  it("says of steps what validates them; `npm run tables` writes it", () => {
    expect(page).toBe(withSteps(page));
  });

  it("has recipes that can be run", () => {
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => JSON.parse(text).steps);
    const rows = page
      .match(/\| wanted \| steps \|\n[^\n]*\n((?:\|.*\n)+)/)![1]
      .trimEnd()
      .split("\n");
    const recipes = rows.map((row) =>
      [...row.split("|")[2].matchAll(/`([^`]+)`/g)].map(([, step]) => (step.startsWith("{") ? JSON.parse(step) : { step })),
    );
    for (const steps of [...examples, ...recipes]) expect(checkRecipe(steps)).toHaveLength(steps.length);
    expect(recipes).toHaveLength(6);
  });
});
