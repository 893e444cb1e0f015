/** Writes what docs/compression.md says of each step from what validates its options: `npm run tables`. */
import { STEPS, type StepName, stepOf } from "../src/compress/steps/index.ts";
import { type JsonSchema, stepSchema } from "./step-schema.ts";

const REGION = /(<!-- steps -->\n)[\s\S]*?(<!-- end -->)/;

/** The page with its region of steps written anew. */
export function withSteps(page: string): string {
  if (!REGION.test(page)) throw new Error("the page has no <!-- steps --> … <!-- end -->");
  return page.replace(REGION, (_, begin, end) => `${begin}\n${(Object.keys(STEPS) as StepName[]).map(section).join("\n\n")}\n\n${end}`);
}

function section(name: StepName): string {
  const { summary, validates } = stepOf(name);
  const rows = optionsOf(stepSchema(name));
  const kept = validates ? " Some of the calibration data are kept for it, or `validation` data given." : "";
  const head = `### \`${name}\`\n\n${summary[0].toUpperCase()}${summary.slice(1)}.${kept}`;
  return rows.length === 0 ? `${head} It has no options.` : `${head}\n\n${table(rows)}`;
}

type Row = readonly [option: string, value: string, byDefault: string, meaning: string];

/** Options, and those within options, by their paths. */
function optionsOf({ properties = {}, required = [] }: JsonSchema, under = ""): Row[] {
  return Object.entries(properties).flatMap(([name, schema]): Row[] => {
    if (schema.properties) return optionsOf(schema, `${under}${name}.`);
    const given = schema.default === undefined ? (required.includes(name) ? "needed" : "") : code(schema.default);
    return [[`\`${under}${name}\``, writtenAs(schema), given, schema.description ?? ""]];
  });
}

const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** What may be written, in words. */
function writtenAs(schema: JsonSchema): string {
  const { type, anyOf, enum: words, const: only, items, properties } = schema;
  if (only !== undefined) return code(only);
  if (words) return words.map(code).join(", ");
  if (anyOf) return anyOf.map(writtenAs).join(" or ");
  if (type === "array") return `list of ${writtenAs(items!)}`;
  if (properties) return `\`{ ${Object.entries(properties).map(entry).join(", ")} }\``;
  return type === "number" || type === "integer" ? rangeOf(schema) : type === "boolean" ? "`true`, `false`" : "text";
}

/** A key of an object, with the words that it may have. */
const entry = ([key, { enum: words, const: only }]: [string, JsonSchema]): string => {
  const allowed = words ?? (only === undefined ? [] : [only]);
  return allowed.length > 0 ? `${key}: ${allowed.join(" | ")}` : key;
};

function rangeOf({ type, minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const kind = type === "integer" ? "whole number" : "number";
  if (minimum !== undefined && maximum !== undefined) return `${kind}, ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${kind}, ${minimum} or more`;
  return exclusiveMinimum === undefined ? kind : `${kind} above ${exclusiveMinimum}`;
}

function table(rows: readonly Row[]): string {
  const lines = [["option", "value", "default", "what it says"], ["---", "---", "---", "---"], ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}
