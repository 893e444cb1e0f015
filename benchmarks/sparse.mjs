// Sparse layers against the best dense kernel: `node benchmarks/sparse.mjs [part of a name]`. Both run in turn in one process; a cell is the median
// of 31 ratios, and outputs are compared. At the end the costs that src/plan/sparse-costs.ts holds, fitted to the quickest samples.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
const { outputFiles } = await build({
  stdin: {
    contents: [
      "assembly/shared/plan",
      "assembly/shared/sparse",
      "assembly/shared/layout",
      "src/plan/pack",
      "src/plan/pack-qs8",
      "src/plan/pack-sparse",
      "src/plan/sparse-costs",
    ]
      .map((file) => `export * from "./${file}.ts";`)
      .join(""),
    resolveDir: root.pathname,
  },
  bundle: true,
  format: "esm",
  write: false,
});
const kit = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
const { ConvField, GemmField, IMAGE_START, MATRIX_ROWS, Op, SPARSE_LAYOUTS, SparseField } = kit;

const { instance } = await WebAssembly.instantiate(await readFile(new URL("dist/simd.wasm", root)));
const { memory, run } = instance.exports;
let top = IMAGE_START;

/** Zeroed memory, aligned to a cache line. */
function allocate(bytes) {
  const at = top;
  top = (top + bytes + 63) & ~63;
  if (top > memory.buffer.byteLength) memory.grow(Math.ceil((top - memory.buffer.byteLength) / 65536));
  new Uint8Array(memory.buffer, at, top - at).fill(0);
  return at;
}

function put(data) {
  const at = allocate(data.byteLength);
  new Uint8Array(memory.buffer, at, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return at;
}

/** A plan of one record; a field is an i32, or an f32 where it is given as `{ f32 }`. */
function plan(op, names, fields) {
  const words = 2 + Object.keys(names).length / 2;
  const at = allocate(4 * (words + 1));
  const view = new DataView(memory.buffer, at, 4 * words);
  view.setInt32(0, op, true);
  view.setInt32(4, words, true);
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "number") view.setInt32(4 * names[name], value, true);
    else view.setFloat32(4 * names[name], value.f32, true);
  }
  return at;
}

let state = 1;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** Weights [n][k], a share of them zero: whole blocks of 16 outputs × 2 steps, or one by one. */
function weights(n, k, zeros, form, integer) {
  const data = new (integer ? Int8Array : Float32Array)(n * k);
  const [height, width] = form === "bsr" ? [16, 2] : [1, 1];
  const across = Math.ceil(k / width);
  const removed = Uint8Array.from({ length: Math.ceil(n / height) * across }, () => (random() < zeros ? 1 : 0));
  for (let o = 0; o < n; o++)
    for (let r = 0; r < k; r++) {
      if (removed[Math.floor(o / height) * across + Math.floor(r / width)]) continue;
      data[o * k + r] = integer ? 1 + Math.floor(random() * 126) : random() - 0.5;
    }
  return data;
}

const LAYERS = {
  "1×1 56² 128→128": { size: 56, in_c: 128, out_c: 128 },
  "1×1 56² 24→144": { size: 56, in_c: 24, out_c: 144 },
  "1×1 14² 512→512": { size: 14, in_c: 512, out_c: 512 },
  "1×1 7² 160→960": { size: 7, in_c: 160, out_c: 960 },
  "3×3 28² 64→64": { size: 28, in_c: 64, out_c: 64, kernel: 3 },
  "3×3 14² 256→256": { size: 14, in_c: 256, out_c: 256, kernel: 3 },
  "128×384×1536": { m: 128, in_c: 384, out_c: 1536 },
  "1×1024×1024": { m: 1, in_c: 1024, out_c: 1024 },
  "1×784×300": { m: 1, in_c: 784, out_c: 300 },
};

/** Plans of one layer: dense kernels and the sparse one, with the same weights. */
function plans({ size, in_c, out_c: n, kernel = 1, m }, zeros, form, integer) {
  top = IMAGE_START;
  const k = kernel * kernel * in_c;
  const [height, width] = m ? [1, m] : [size, size];
  const rows = height * width;
  const data = weights(n, k, zeros, form, integer);
  const input = new (integer ? Int8Array : Float32Array)(rows * in_c).map(() => (integer ? random() * 255 - 128 : random() - 0.5));
  const bytes = rows * n * (integer ? 1 : 4);
  const quant = {
    scale: put(kit.padChannels(new Float32Array(n).fill(0.01 / Math.sqrt(k)))),
    lo: -128,
    hi: 127,
    a_zero: 3,
    c_zero: -4,
    c_size: 1,
  };
  const epilogue = {
    a: put(input),
    bias: put(integer ? kit.padChannels(new Int32Array(n)) : new Float32Array(n)),
    ...(integer ? quant : { lo: { f32: Number.NEGATIVE_INFINITY }, hi: { f32: Number.POSITIVE_INFINITY }, c_size: 4 }),
  };
  const window = { batch: 1, in: [height, width], out: [height, width], kernel: [kernel, kernel], stride: [1, 1], dilation: [1, 1] };
  window.pad = new Array(4).fill(kernel >> 1);
  const conv = {
    ...{ batch: 1, in_h: height, in_w: width, in_c, out_h: height, out_w: width, out_c: n, kernel_h: kernel, kernel_w: kernel },
    ...{ stride_h: 1, stride_w: 1, dilation_h: 1, dilation_w: 1, pad_top: kernel >> 1, pad_left: kernel >> 1, groups: 1 },
    ...epilogue,
  };
  const w = put(integer ? kit.packQs8Gemm(data, n, k) : kit.packF32Gemm(data, n, k));
  const outputs = {};
  const add = (name, op, names, fields, scratch) => {
    outputs[name] = { c: allocate(bytes) };
    outputs[name].plan = plan(op, names, { ...fields, c: outputs[name].c, scratch: allocate(scratch) });
  };
  if (kernel === 1) {
    const gemm = { batch: 1, m: rows, n, k, lda: k, ldc: n, w, ...epilogue };
    add("dense", integer ? Op.qs8_gemm : Op.f32_gemm, GemmField, gemm, kit.qs8GemmScratch(k, rows));
  } else if (integer) {
    add("dense", Op.qs8_conv, ConvField, { ...conv, w }, kit.qs8ConvScratch(in_c, window));
    add("winograd", Op.qs8_winograd, ConvField, { ...conv, w }, kit.qs8WinogradScratch(in_c, window));
  } else add("dense", Op.f32_conv, ConvField, { ...conv, w }, kit.f32ConvScratch(k, rows));
  const op = Op[`${integer ? "qs8" : "f32"}_sparse_${form}`];
  const { values, index, count } = kit.packSparse({ data, n, k, groups: 1 }, op);
  const fields = { ...conv, w: put(values), index: put(index), count: put(count) };
  add("sparse", op, { ...ConvField, ...SparseField }, fields, kit.sparseScratch(op, k, rows, kernel === 1));
  return { outputs, bytes, op, n, k, rows, kept: index.length * SPARSE_LAYOUTS[op].lanes * SPARSE_LAYOUTS[op].steps };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const warm = new Set();

/** Milliseconds of each plan, 31 samples in turn. */
function measure(outputs, op) {
  const all = Object.values(outputs);
  const limit = warm.has(op) ? 200 : 1500;
  warm.add(op);
  const start = performance.now();
  let runs = 0;
  for (; performance.now() - start < limit; runs++) for (const { plan } of all) run(plan);
  const batch = Math.max(1, Math.round((2 * runs) / limit));
  const samples = all.map(() => []);
  for (let i = 0; i < 31; i++)
    all.forEach(({ plan }, which) => {
      const from = performance.now();
      for (let b = 0; b < batch; b++) run(plan);
      samples[which].push((performance.now() - from) / batch);
    });
  return Object.fromEntries(Object.keys(outputs).map((name, which) => [name, samples[which]]));
}

const ratio = (a, b) => median(a.map((ms, i) => ms / b[i]));
/** Of the quickest samples: what fits are made of must not hold what other processes did. */
const least = (a, b) => Math.min(...a) / Math.min(...b);
const ZEROS = [0.5, 0.7, 0.8, 0.9, 0.95];
const points = [];
const winograd = [];

console.log(`${"speed-up at zeros of".padEnd(44)}${ZEROS.map((zeros) => `${100 * zeros} %`.padStart(8)).join("")}`);
for (const [name, layer] of Object.entries(LAYERS)) {
  if (!name.includes(process.argv[2] ?? "")) continue;
  for (const [integer, form] of [
    [true, "bsr"],
    [true, "csr"],
    [false, "bsr"],
    [false, "csr"],
  ]) {
    const cells = ZEROS.map((zeros) => {
      const { outputs, bytes, op, n, k, rows, kept } = plans(layer, zeros, form, integer);
      const ms = measure(outputs, op);
      const [want, got] = [outputs.dense.c, outputs.sparse.c].map((c) => Buffer.from(memory.buffer, c, bytes));
      if (!want.equals(got)) throw new Error(`${name}: ${Op[op]} differs from the dense kernel`);
      points.push({ op, vector: rows < MATRIX_ROWS, n, k, kept, ratio: least(ms.sparse, ms.dense) });
      if (ms.winograd) winograd.push(least(ms.winograd, ms.dense));
      const best = ms.winograd && winograd.at(-1) < 1 ? ms.winograd : ms.dense;
      return ratio(best, ms.sparse).toFixed(2).padStart(8);
    });
    console.log(
      `${`${name}, ${integer ? "int8" : "f32"}, ${form === "bsr" ? "blocks of 16 × 2" : "one by one"}`.padEnd(44)}${cells.join("")}`,
    );
  }
}

/** Costs ≥ 0 of each kind under which the relative errors of all ratios have the least squares; what would be negative is left out. */
function costsOf(rows, kinds = ["kept", "n", "k"]) {
  const at = rows.map((row) => kinds.map((kind) => row[kind] / (row.n * row.k * row.ratio)));
  const matrix = kinds.map((_, i) => [
    ...kinds.map((_, j) => at.reduce((sum, x) => sum + x[i] * x[j], 0)),
    at.reduce((sum, x) => sum + x[i], 0),
  ]);
  for (let i = 0; i < kinds.length; i++)
    for (let j = 0; j < kinds.length; j++) {
      if (i === j) continue;
      const factor = matrix[j][i] / matrix[i][i];
      matrix[j] = matrix[j].map((v, c) => v - factor * matrix[i][c]);
    }
  const found = kinds.map((_, i) => matrix[i][kinds.length] / matrix[i][i]);
  const worst = found.indexOf(Math.min(...found));
  if (found[worst] < 0)
    return costsOf(
      rows,
      kinds.filter((_, i) => i !== worst),
    );
  return ["kept", "n", "k"].map((kind) => (kinds.includes(kind) ? found[kinds.indexOf(kind)] : 0));
}

for (const op of Object.keys(SPARSE_LAYOUTS).map(Number))
  for (const vector of [true, false]) {
    const rows = points.filter((point) => point.op === op && point.vector === vector);
    if (rows.length < 5) continue;
    const [weight, output, step] = costsOf(rows, vector ? ["kept", "n"] : undefined).map((cost) => cost.toFixed(2));
    console.log(`${Op[op]}, ${vector ? "vector" : "matrix"}: weight ${weight}, output ${output}, step ${step}`);
  }
if (winograd.length > 0) console.log(`a weight of a Winograd layer: ${median(winograd).toFixed(2)}`);
