import type { AttrValue, Node } from "../graph/graph.ts";
import type { AttrSpec } from "./define.ts";
import { opOf } from "./index.ts";

const isInts = (value: unknown) => Array.isArray(value) && value.every((v) => Number.isInteger(v));

const KINDS: { readonly [K in AttrSpec["kind"]]: (value: AttrValue) => boolean } = {
  int: (value) => Number.isInteger(value),
  float: (value) => typeof value === "number",
  string: (value) => typeof value === "string",
  ints: isInts,
  floats: (value) => Array.isArray(value) && value.every((v) => typeof v === "number"),
  strings: (value) => Array.isArray(value) && value.every((v) => typeof v === "string"),
  tensor: (value) => typeof value === "object" && "data" in value,
  graph: (value) => typeof value === "object" && "nodes" in value,
};

/** Everything that is wrong with the attributes and inputs of a node, judged by the operator's table. */
export function nodeProblems(node: Node): string[] {
  const def = opOf(node.op);
  if (!def) return ["unknown operator"];
  const problems: string[] = [];
  const [fewest, most] = def.arity;
  if (node.inputs.length > most || node.inputs.length < fewest || node.inputs.slice(0, fewest).includes(""))
    problems.push(`takes ${countOf(fewest, most)}, has ${node.inputs.filter(Boolean).length}`);
  if (node.outputs.length === 0 || node.outputs.includes("")) problems.push("has no name for an output that it needs");
  for (const [name, value] of Object.entries(node.attrs)) {
    const spec = Object.hasOwn(def.attrs, name) ? def.attrs[name] : undefined;
    if (!spec) problems.push(`attribute ${name} is not supported`);
    else if (value !== undefined && !KINDS[spec.kind](value)) problems.push(`attribute ${name} is not of kind ${spec.kind}`);
  }
  for (const [name, spec] of Object.entries(def.attrs))
    if (spec.required && node.attrs[name] === undefined) problems.push(`attribute ${name} is missing`);
  return problems;
}

function countOf(fewest: number, most: number): string {
  if (fewest === most) return `${most} input${most === 1 ? "" : "s"}`;
  return most === Number.POSITIVE_INFINITY ? `at least ${fewest} inputs` : `${fewest} to ${most} inputs`;
}

/** A node with the defaults of its operator filled in. Inputs that are absent at the end are cut off. */
export function makeNode(parts: {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs?: Node["attrs"];
  readonly quant?: Node["quant"];
}): Node {
  const { op, name, outputs, quant } = parts;
  const inputs = [...parts.inputs];
  while (inputs.at(-1) === "") inputs.pop();
  const attrs = Object.fromEntries([
    ...Object.entries(opOf(op)?.attrs ?? {}).map(([key, spec]): [string, AttrValue] => [key, spec.default]),
    ...Object.entries(parts.attrs ?? {}).filter(([, value]) => value !== undefined),
  ]);
  return quant ? { op, name, inputs, outputs, attrs, quant } : { op, name, inputs, outputs, attrs };
}
