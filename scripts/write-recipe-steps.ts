import { readFileSync, writeFileSync } from "node:fs";
import { withSteps } from "./recipe-steps.ts";

const PAGE = "docs/compression.md";
writeFileSync(PAGE, withSteps(readFileSync(PAGE, "utf8")));
