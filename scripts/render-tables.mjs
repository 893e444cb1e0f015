// Writes the tables between `<!-- table: name -->` and `<!-- end -->` in these documents from benchmarks/results: `npm run tables`.
import { readFileSync, writeFileSync } from "node:fs";

const root = new URL("..", import.meta.url);
const results = (name) => JSON.parse(readFileSync(new URL(`benchmarks/results/${name}.json`, root), "utf8"));

const kB = (bytes) => `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: bytes < 1e5 ? 1 : 0 })} kB`;
const ms = (time) => `${time.toPrecision(3)} ms`;
const points = ({ correct, count }) => ((100 * correct) / count).toFixed(2);
const table = (head, rows) => [head, head.map((_, i) => (i ? "--:" : "---")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const tables = {
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
      ...["f32", "int8", "onnxruntime"].map((engine) => ms(times[engine])),
    ]);
    return `${table(head, body)}\n\n${machine.cpu}, Node ${machine.node.slice(1)}, ${machine.date}.`;
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
        ms(timed.times.f32.ms),
        ms(timed.times.int8.ms),
        ms(timed.times["onnxruntime f32"].ms),
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
    return `${table(head, rows)}\n\nTop-1 in % of all 10,000 test images of Fashion-MNIST (\`npm run bench:accuracy\`). Times: one inference, one thread, median, engines\ninterleaved in one process; ${cpu}, Node ${node.slice(1)}, ${date} (\`npm run bench\`).`;
  },
};

for (const document of ["README.md", "docs/models.md"]) {
  const path = new URL(document, root);
  const fill = (_, name) => `<!-- table: ${name} -->\n${tables[name]()}\n<!-- end -->`;
  writeFileSync(path, readFileSync(path, "utf8").replace(/<!-- table: (\w+) -->[\s\S]*?<!-- end -->/g, fill));
}
