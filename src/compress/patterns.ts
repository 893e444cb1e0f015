/** Layers by name: patterns in which `*` stands for any characters. */
import { EdgepackError } from "../errors.ts";
import type { Node } from "../graph/graph.ts";

export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}

/** Throws CONFIG with all patterns that no layer's name, and no name of its weights, matches. */
export function checkPatterns(patterns: readonly string[], layers: Iterable<Node>): void {
  const names = [...layers].map((node) => node.name);
  const idle = patterns.filter((pattern) => !names.some((name) => matches(pattern, name)));
  if (idle.length > 0)
    throw new EdgepackError(
      "CONFIG",
      `These match no layer: ${idle.join(", ")}. The model's linear layers are:`,
      names.length > 40 ? [...names.slice(0, 40), `and ${names.length - 40} more (edgepack inspect lists them)`] : names,
    );
}
