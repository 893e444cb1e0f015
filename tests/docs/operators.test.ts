import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { operatorsPage } from "../../scripts/operators.ts";

it("docs/operators.md is what the table of operators says; `npm run tables` writes it", () => {
  expect(readFileSync(new URL("../../docs/operators.md", import.meta.url), "utf8")).toBe(operatorsPage());
});
