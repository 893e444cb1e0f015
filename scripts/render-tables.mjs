// Writes the tables between `<!-- table: name -->` and `<!-- end -->` in these documents from benchmarks/results: `npm run tables`.
import { readFileSync, writeFileSync } from "node:fs";
import { benchmarkTables, cost } from "./benchmark-tables.mjs";

const root = new URL("..", import.meta.url);
const results = (name) => JSON.parse(readFileSync(new URL(`benchmarks/results/${name}.json`, root), "utf8"));

const kB = (bytes) => `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: bytes < 1e5 ? 1 : 0 })} kB`;
const digits = (value) => (value < 1000 ? value.toPrecision(3) : Math.round(value).toLocaleString("en"));
const ms = (time) => `${digits(time)} ms`;
const points = ({ correct, count }) => ((100 * correct) / count).toFixed(2);
const table = (head, rows) => [head, head.map((_, i) => (i ? "--:" : "---")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const tables = {
  kernels() {
    const { results: rows, peaks, machine } = results("kernels");
    const share = (row) => (row.share ? `${Math.round(100 * row.share)} %` : "");
    const body = rows.map((row) => [row.name, `${row.speed.toPrecision(3)} ${row.unit}`, share(row)]);
    const most = Object.entries(peaks).map(([unit, peak]) => `${peak.toFixed(1)} ${unit}`);
    return `${table(["kernel", "speed", "of peak"], body)}\n\nPeak, measured in the same run: ${most.join(", ")}; ${machine.cpu}, Node ${machine.node.slice(1)}, ${machine.date} (\`npm run bench:kernels\`).`;
  },
  compression() {
    const { results: rows, machine } = results("compression");
    const change = ({ correct, f32, count }) => ((100 * (correct - f32)) / count).toFixed(2);
    const body = rows.map((row) => [
      row.model,
      row.recipe,
      kB(row.epk),
      `${(row.onnx / row.epk).toFixed(1)}×`,
      points(row),
      change(row),
      `${digits(row.macs / 1e6)} M`,
    ]);
    const head = ["model", "recipe", ".epk", "smaller than .onnx", "top-1, %", "against f32", "MACs"];
    return `${table(head, body)}\n\nAll ${rows[0].count.toLocaleString("en")} test images of Fashion-MNIST; calibration, search and selection on training images alone. Node ${machine.node.slice(1)}, ${machine.date} (\`npm run bench:compression\`).`;
  },
  matrix() {
    const { results: rows, machine } = results("matrix");
    const head = ["model", ".onnx", "f32 .epk", "int8 .epk", "f32 differs by", "int8 SQNR", "f32", "int8", "onnxruntime-web f32"];
    const body = rows.map(({ model, difference, sqnr, bytes, ms: times }) => [
      model,
      kB(bytes.onnx),
      kB(bytes.f32),
      kB(bytes.int8),
      difference.toExponential(0),
      `${sqnr.toFixed(1)} dB`,
      ...["f32", "int8", "onnxruntime"].map((engine) => (times[engine] === undefined ? "" : ms(times[engine]))),
    ]);
    return `${table(head, body)}\n\n${machine.cpu}, Node ${machine.node.slice(1)}, ${machine.date}.`;
  },
  shipped() {
    const { whole, results: nets } = results("startup");
    const rows = [
      ...nets.map(({ net, shipped }) => [`kernels that the int8 ${net} needs, decoder included`, kB(shipped.wasm)]),
      ["all kernels, with SIMD", kB(whole["simd.wasm"])],
      ["all kernels, without SIMD, for engines that lack it", kB(whole["scalar.wasm"])],
      ["script", kB(whole["runtime/edgepack.js"])],
    ];
    return table(["shipped to the user", "bytes, brotli"], rows);
  },
  startup() {
    const { machine, results: nets } = results("startup");
    const rows = nets.map(({ net, macs, startup: { edgepack, onnxruntime } }) => [
      net,
      digits(macs / 1e6),
      ...[edgepack, onnxruntime].flatMap(({ cpu, first, steady }) => [ms(cpu), ms(first), ms(steady)]),
      kB(edgepack.memory),
      ...[edgepack, onnxruntime].map(({ rss }) => `${(rss / 1e6).toFixed(0)} MB`),
    ]);
    const head = ["net", "MMAC"];
    for (const engine of ["edgepack int8", "onnxruntime-web f32"]) head.push(`${engine}: CPU`, "first run", "steady");
    head.push("wasm memory", "process", "process, onnxruntime-web");
    return `${table(head, rows)}\n\n${machine.cpu}, Node ${machine.node.slice(1)}, onnxruntime-web ${machine.onnxruntime}, ${machine.date}.`;
  },
  models() {
    const times = results("bench");
    const accuracy = results("accuracy");
    const rows = accuracy.results.map(({ model, onnx, modes }) => {
      const timed = times.results.find((row) => row.net === `fmnist-${model}`);
      return [
        model,
        kB(onnx),
        `${kB(modes["int8-static"].epk)} (${Math.round((100 * modes["int8-static"].epk) / onnx)} %)`,
        points(modes.f32),
        points(modes["int8-static"]),
        points(modes["int8-dynamic"]),
        ms(cost(timed.times.f32)),
        ms(cost(timed.times.int8)),
        ms(cost(timed.times["onnxruntime f32"])),
      ];
    });
    const { cpu, node, onnxruntime, date } = times.machine;
    const head = [
      "model",
      ".onnx",
      "int8 .epk",
      "top-1 f32",
      "int8 static",
      "int8 dynamic",
      "f32",
      "int8",
      `onnxruntime-web ${onnxruntime} f32`,
    ];
    return `${table(head, rows)}\n\nTop-1 in % of all 10,000 test images of Fashion-MNIST (\`npm run bench:accuracy\`). Times: one inference, CPU of one thread, median, engines\ninterleaved in one process; ${cpu}, Node ${node.slice(1)}, ${date} (\`npm run bench\`).`;
  },
};

for (const document of ["README.md", "docs/kernels.md", "docs/models.md", "docs/startup.md", "docs/benchmarks.md", "docs/compression.md"]) {
  const path = new URL(document, root);
  const fill = (_, name) => `<!-- table: ${name} -->\n${(tables[name] ?? benchmarkTables[name])(results, table)}\n<!-- end -->`;
  writeFileSync(path, readFileSync(path, "utf8").replace(/<!-- table: (\w+) -->[\s\S]*?<!-- end -->/g, fill));
}
