/** HTML by template: what is put in is escaped, unless it came out of a template itself. */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `undefined` and `false` put in nothing. */
type Part = Markup | string | number | undefined | false | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Characters that neither HTML nor a terminal shows, and those that turn the direction of text, show as U+FFFD: names come from models of anybody. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

const escaped = (text: string): string => text.replace(UNSEEN, (c) => (/\s/.test(c) ? c : "\ufffd")).replace(/[&<>"']/g, (c) => ESCAPES[c]);

const textOf = (part: Part): string =>
  part instanceof Markup
    ? part.text
    : Array.isArray(part)
      ? part.map(textOf).join("")
      : part === undefined || part === false
        ? ""
        : escaped(String(part));

/** Attributes must stand in quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string));
