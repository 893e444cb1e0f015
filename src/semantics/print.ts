import { type AttrValue, type Graph, isGraph, subgraphsOf } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { elementCount, formatType, type Tensor } from "../tensor/index.ts";

/** Constants up to this many elements are printed with their values. */
const SHOWN = 8;

/**
 * A stable text form, a line a node: `%out: f32[1,8] = Conv(%x, %w, %b) {strides=[2,2]}`. Attributes that have their operator's default are
 * left out. Constants stand at the head in order of name, small ones with their values; subgraphs stand below their node, indented.
 */
export function printGraph(graph: Graph): string {
  return `${linesOf(graph).join("\n")}\n`;
}

function linesOf(graph: Graph): string[] {
  const value = (name: string) => (name === "" ? "_" : `%${name}`);
  const typed = (name: string) => {
    const type = graph.types.get(name);
    return type ? `${value(name)}: ${formatType(type)}` : value(name);
  };
  const lines = [`graph ${graph.name}(${graph.inputs.map(typed).join(", ")}) -> (${graph.outputs.map(value).join(", ")})`];
  for (const [name, tensor] of [...graph.constants].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`  const ${value(name)}: ${formatTensor(tensor)}`);
  }
  for (const node of graph.nodes) {
    const specs = opOf(node.op)?.attrs ?? {};
    const attrs = Object.keys(node.attrs)
      .sort()
      .filter(
        (key) =>
          node.attrs[key] !== undefined && !isGraph(node.attrs[key]) && formatAttr(node.attrs[key]) !== formatAttr(specs[key]?.default),
      )
      .map((key) => `${key}=${formatAttr(node.attrs[key])}`);
    const tail = attrs.length ? ` {${attrs.join(", ")}}` : "";
    lines.push(`  ${node.outputs.map(typed).join(", ")} = ${node.op}(${node.inputs.map(value).join(", ")})${tail}`);
    for (const [key, inner] of subgraphsOf(node)) {
      const [head, ...rest] = linesOf(inner);
      lines.push(`    ${key}: ${head}`, ...rest.map((line) => `    ${line}`));
    }
  }
  return lines;
}

function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function formatTensor(tensor: Tensor): string {
  const values = elementCount(tensor.shape) <= SHOWN ? ` = [${Array.from(tensor.data, formatNumber).join(", ")}]` : "";
  return formatType(tensor) + values;
}

function formatAttr(value: AttrValue): string {
  if (value === undefined) return "none";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return JSON.stringify(value);
  if ("data" in value) return formatTensor(value);
  if ("nodes" in value) return value.name;
  return `[${value.map((item) => (typeof item === "number" ? formatNumber(item) : JSON.stringify(item))).join(",")}]`;
}
