import { measureEpk, type OutputPort, readEpk } from "../../format/index.ts";
import { readRecords } from "../records.ts";
import { bytes, count, table } from "../table.ts";
import { colorsFor, print, type Terminal } from "../terminal.ts";

export type PackSummary = ReturnType<typeof inspectPack>;

const written = ({ name, dtype, shape, bound }: OutputPort) => ({
  name,
  type: `${dtype}[${shape.map((d, i) => (i === bound ? `≤${d}` : d)).join(",")}]`,
});

const histogram = (names: readonly string[]) =>
  Object.fromEntries([...new Set(names)].sort().map((name) => [name, names.filter((n) => n === name).length]));

/** What a pack holds: ports, preprocessing, kernels, and what each layer's weights cost in the file. Throws EPK_INVALID, EPK_VERSION. */
export function inspectPack(file: Uint8Array) {
  const { meta, image } = readEpk(file);
  const plan = new Int32Array(image.buffer, image.byteOffset + meta.plan, (image.length - meta.plan) >> 2);
  const records = readRecords(plan);
  const measured = measureEpk(file);
  const sizes = new Map(measured.regions.map((region) => [region.at, region.bytes]));
  const costOf = (at: number) => Math.round(sizes.get(at) ?? 0);
  const layers = records.flatMap(({ op, output, macs, weights, w }) => {
    const stored = costOf(w);
    return macs === 0
      ? []
      : [{ op, output, macs, weights: stored > 0 ? weights : 0, bytes: stored, bitsPerWeight: stored > 0 ? (8 * stored) / weights : 0 }];
  });
  const unique = new Set(records.map(({ w }) => w));
  const weightBytes = [...unique].reduce((sum, at) => sum + (at > 0 ? costOf(at) : 0), 0);
  return {
    kind: "epk" as const,
    name: meta.name,
    bytes: file.length,
    inputs: meta.inputs.map((port) => ({ ...written(port), preprocess: port.preprocess })),
    outputs: meta.outputs.map(written),
    labels: meta.labels?.length ?? 0,
    records: records.length,
    kernels: histogram(records.map(({ op }) => op)),
    macs: layers.reduce((sum, l) => sum + l.macs, 0),
    weights: layers.reduce((sum, l) => sum + l.weights, 0),
    sizes: { weights: weightBytes, plan: costOf(meta.plan), meta: measured.meta },
    memory: { image: meta.image, arena: meta.memory - meta.image, total: meta.memory },
    layers,
  };
}

/** The same for people. */
export function printPack(terminal: Terminal, pack: PackSummary): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const ports = (list: readonly { readonly name: string; readonly type: string }[]) =>
    list.map(({ name, type }) => `${name} ${type}`).join(", ");
  print(terminal, `${colors.bold(pack.name)}  .epk, ${bytes(pack.bytes)}`);
  print(terminal, `inputs     ${ports(pack.inputs)}`);
  for (const { name, preprocess } of pack.inputs)
    if (preprocess) print(terminal, `           ${name}: (byte / 255 − [${preprocess.mean}]) / [${preprocess.std}], ${preprocess.layout}`);
  print(terminal, `outputs    ${ports(pack.outputs)}${pack.labels > 0 ? `, ${pack.labels} labels` : ""}`);
  print(
    terminal,
    `kernels    ${Object.entries(pack.kernels)
      .map(([op, n]) => `${op} ${n}`)
      .join(", ")}`,
  );
  print(terminal, `totals     ${count(pack.weights)} weights, ${count(pack.macs)} MACs`);
  print(terminal, `sizes      weights ${bytes(pack.sizes.weights)}, plan ${bytes(pack.sizes.plan)}, metadata ${bytes(pack.sizes.meta)}`);
  print(
    terminal,
    `memory     weights and plan ${bytes(pack.memory.image)}, activations ${bytes(pack.memory.arena)}, all ${bytes(pack.memory.total)}`,
  );
  const rows = pack.layers.map((l) => [
    l.op,
    l.output,
    count(l.macs),
    count(l.weights),
    bytes(l.bytes),
    l.weights > 0 ? l.bitsPerWeight.toFixed(2) : "",
  ]);
  if (rows.length > 0) print(terminal, `\n${table(colors, ["kernel", "output", ">MACs", ">weights", ">bytes", ">bits/weight"], rows)}`);
}
