// The tables of docs/benchmarks.md, by name: each takes what reads a file of benchmarks/results and what writes a table.

/** Milliseconds of CPU where the engine told, else of the clock. */
export const cost = ({ cpu, ms }) => cpu ?? ms;

const ms = (time) => (time === undefined ? "" : `${time.toPrecision(3)} ms`);
const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 10 ? 2 : 1)}×` : "");
const mega = (n) => (n / 1e6).toPrecision(3);
const spread = ({ ms: median, q1, q3 }) => `${(((q3 - q1) / median) * 100).toFixed(0)} %`;

const least = (of, engines) => Math.min(...engines.flatMap((engine) => (of[engine] ? [cost(of[engine])] : [])));

const machineLine = ({ cpu, node, date, onnxruntime, tfjs, litert }) =>
  [
    `${cpu}, Node ${node.slice(1)}`,
    ...(onnxruntime ? [`onnxruntime-web ${onnxruntime}`] : []),
    ...(tfjs ? [`TensorFlow.js ${tfjs}`] : []),
    ...(litert ? [`LiteRT.js ${litert}`] : []),
    date,
  ].join(", ");

export const benchmarkTables = {
  nets(results, table) {
    const { machine, results: rows } = results("bench");
    const form = ({ times: t }) => (t["int8 dynamic"] && cost(t["int8 dynamic"]) < cost(t.int8) ? "int8 dynamic" : "int8");
    const body = rows.map((row) => {
      const { net, macs, times: t } = row;
      const int8 = cost(t[form(row)]);
      return [
        net,
        mega(macs),
        ms(cost(t.f32)),
        ms(int8),
        times(least(t, ["onnxruntime f32", "onnxruntime int8", "onnxruntime int8 dynamic"]) / int8),
        times(least(t, ["litert int8"]) / int8),
        times(least(t, ["onnxruntime f32"]) / cost(t.f32)),
        times(least(t, ["tfjs f32"]) / cost(t.f32)),
        times(least(t, ["litert f32"]) / cost(t.f32)),
        times(cost(t.f32) / int8),
      ];
    });
    const head = [
      "net",
      "MMAC",
      "f32",
      "int8",
      "int8: onnxruntime-web's best",
      "LiteRT int8",
      "f32: onnxruntime-web f32",
      "TensorFlow.js",
      "LiteRT f32",
      "int8 over f32",
    ];
    return `${table(head, body)}\n\n${machineLine(machine)}.`;
  },
  engines(results, table) {
    const { results: rows } = results("bench");
    const engines = [...new Set(rows.flatMap((row) => Object.keys(row.times)))];
    const body = rows.map(({ net, times: t, agreement }) => [
      net,
      ...engines.map((engine) => (t[engine] ? cost(t[engine]).toPrecision(3) : "")),
      spread(t.int8),
      `${Math.min(...Object.values(agreement)).toFixed(0)} dB`,
    ]);
    return table(["net, ms", ...engines, "spread of int8", "least agreement"], body);
  },
  memory(results, table) {
    const kB = (bytes) => `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: 0 })} kB`;
    const body = results("bench").results.map(({ net, bytes, memory: { int8, f32 } }) => [
      net,
      kB(bytes.onnx),
      kB(bytes.int8),
      kB(int8.image),
      kB(int8.arena),
      `${(int8.arena / int8.lowerBound).toFixed(3)}`,
      kB(f32.image + f32.arena),
    ]);
    return table(["net", ".onnx", "int8 .epk", "int8: weights and plan", "activations", "of their lower bound", "f32: all"], body);
  },
  scaling(results, table) {
    const { machine, fits, results: rows } = results("scaling");
    const body = rows.map(({ width, size, macs, f32, int8 }) => [`${width}, ${size}×${size}`, mega(macs), ms(f32), ms(int8)]);
    const line = (form) =>
      `${form}: ${(1000 * fits[form].slope).toPrecision(3)} µs per MMAC and ${(1000 * fits[form].intercept).toPrecision(2)} µs, R² ${fits[form].r2.toFixed(4)}`;
    return `${table(["MobileNetV2: width, image", "MMAC", "f32", "int8"], body)}\n\nLeast squares: ${line("f32")}; ${line("int8")}. ${machineLine(machine)}.`;
  },
  buildcost(results, table) {
    const { machine, fits, results: rows } = results("build-cost");
    const body = rows.map(({ weights, onnx, seconds, rss, epk }) => [
      `${(onnx / 1e6).toFixed(0)} MB`,
      weights === "f32" ? "f32" : "int8, dynamic activations",
      `${seconds.toFixed(1)} s`,
      `${(rss / 1e6).toFixed(0)} MB`,
      `${(epk / 1e6).toFixed(1)} MB`,
    ]);
    const fit = Object.entries(fits)
      .map(
        ([weights, { slope, intercept, r2 }]) =>
          `${weights}: ${slope.toPrecision(2)} s per MB and ${intercept.toFixed(1)} s, R² ${r2.toFixed(3)}`,
      )
      .join("; ");
    return `${table([".onnx", "weights", "CPU time", "peak memory", ".epk"], body)}\n\nLeast squares: ${fit}. ${machineLine(machine)}.`;
  },
  runtimes(results, table) {
    const { machine, runtimes } = results("runtimes");
    const body = runtimes.flatMap(({ runtime, results: rows }) =>
      rows.map(({ net, times: t }) => [
        runtime,
        net,
        ms(cost(t.f32)),
        ms(t["f32 relaxed"] && cost(t["f32 relaxed"])),
        ms(cost(t.int8)),
        times(least(t, ["onnxruntime f32", "onnxruntime int8"]) / cost(t.int8)),
        times(least(t, ["litert int8"]) / cost(t.int8)),
        times(least(t, ["onnxruntime f32"]) / least(t, ["f32", "f32 relaxed"])),
        times(least(t, ["litert f32"]) / least(t, ["f32", "f32 relaxed"])),
      ]),
    );
    const head = [
      "engine",
      "net",
      "f32",
      "f32 relaxed",
      "int8",
      "int8: onnxruntime-web's best",
      "LiteRT int8",
      "f32: onnxruntime-web f32",
      "LiteRT f32",
    ];
    return `${table(head, body)}\n\n${machine.cpu}, ${machine.date}.`;
  },
};
