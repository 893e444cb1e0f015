import type { InputPort, Meta, OutputPort, Port } from "../format/image.ts";

const ARRAYS: Readonly<Record<Port["dtype"], string>> = {
  f32: "Float32Array",
  i8: "Int8Array",
  u8: "Uint8Array",
  i32: "Int32Array",
  bool: "Uint8Array",
};

const dimsOf = ({ shape, bound }: OutputPort): readonly string[] => shape.map((d, i) => (i === bound ? `≤${d}` : `${d}`));

const shapeOf = (port: OutputPort): string => `${port.dtype}[${dimsOf(port).join(", ")}]`;

/** Keeps a name that a model brought from ending the comment that it stands in. */
const inComment = (text: string): string => text.replaceAll("*/", "*\\/").replace(/\s+/g, " ");

const imageOf = (input: InputPort): boolean => input.preprocess !== undefined;

function field(port: Port, type: string, note: string): string {
  return `  /** ${inComment(note)} */\n  ${JSON.stringify(port.name)}: ${type};`;
}

function inputField(input: InputPort): string {
  const array = ARRAYS[input.dtype];
  if (!imageOf(input)) return field(input, array, shapeOf(input));
  const types = new Set([array, "Uint8Array", "Uint8ClampedArray"]);
  return field(
    input,
    [...types].join(" | "),
    `${shapeOf(input)}, or a picture's raw bytes: height × width × channels, or × 4 as a canvas gives them`,
  );
}

/** `model.d.ts` of a package: the names, element types and shapes of this model's inputs and outputs. */
export function modelTypes(meta: Meta): string {
  return [
    `import type { Model } from "./edgepack.js";`,
    "",
    `/** What \`run\` of ${inComment(meta.name)} takes. */`,
    "export type Inputs = {",
    ...meta.inputs.map(inputField),
    "};",
    "",
    "/** What it gives. */",
    "export type Outputs = {",
    ...meta.outputs.map((output) => field(output, ARRAYS[output.dtype], shapeOf(output))),
    "};",
    "",
    "export type ThisModel = Model<Inputs, Outputs>;",
    "",
  ].join("\n");
}

const cell = (text: string): string => inComment(text).replaceAll("|", "\\|").replaceAll("`", "'");

/** The same as a Markdown table, for the README of a package. */
export function portsTable(meta: Meta): string {
  const rows = [...meta.inputs.map((port) => ["in", port] as const), ...meta.outputs.map((port) => ["out", port] as const)];
  return [
    "| | name | type | shape |",
    "| --- | --- | --- | --- |",
    ...rows.map(([way, port]) => `| ${way} | \`${cell(port.name)}\` | ${port.dtype} | ${dimsOf(port).join(" × ") || "scalar"} |`),
  ].join("\n");
}

/** One sentence on what a request may carry. */
export function bodyAdvice(meta: Meta): string {
  const [input] = meta.inputs;
  if (meta.inputs.length !== 1 || !input) return "Post JSON: an object of arrays, one for each input.";
  const elements = input.shape.reduce((n, d) => n * d, 1);
  const raw = imageOf(input) ? `${elements} raw bytes (a picture, 0 to 255, channels last), ` : "";
  return `Post ${raw}the input's ${input.dtype} values as little-endian bytes, or JSON with the key \`${cell(input.name)}\`.`;
}

/** `"name": new Float32Array(784)` for every input, for code in a README. */
export function exampleInputs(meta: Meta): string {
  return meta.inputs
    .map(({ name, dtype, shape }) => `${JSON.stringify(name)}: new ${ARRAYS[dtype]}(${shape.reduce((n, d) => n * d, 1)})`)
    .join(", ")
    .replaceAll("`", "'");
}
