import { readShipped } from "./runtime.ts";
import type { Files } from "./target.ts";

/** Where a template's place holders stand, `{{name}}`; each is inside a string or plain text, so that templates stay valid files. */
const PLACE = /\{\{(\w+)\}\}/g;

/** Replaces every place holder; one that is not in `values` is a mistake in edgepack. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(PLACE, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for the place holder ${name}`);
    return value;
  });
}

/** The text of a template, by its path below `templates/`. */
export async function readTemplate(path: string): Promise<string> {
  return new TextDecoder().decode(await readShipped(`src/targets/templates/${path}`));
}

/** Reads templates and fills them: `{ "src/index.js": "cloudflare/index.js" }` → files. */
export async function fromTemplates(
  paths: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string>> = {},
): Promise<Files> {
  const filled = Object.entries(paths).map(async ([to, from]) => [to, fill(await readTemplate(from), values)] as const);
  return new Map(await Promise.all(filled));
}

/** A name that npm and Workers both take: lower-case letters, digits and dashes, at most 54 characters. */
export function slug(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 54)
    .replace(/-+$/, "");
  return plain || "model";
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
