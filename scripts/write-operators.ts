import { writeFileSync } from "node:fs";
import { operatorsPage } from "./operators.ts";

writeFileSync("docs/operators.md", operatorsPage());
