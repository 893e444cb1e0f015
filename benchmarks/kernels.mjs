// Speed of single kernels: `npm run bench:kernels -- [part of a name]`. Each is a plan of one record in dist/simd.wasm, warmed for 1.5 s;
// the median of 31 samples counts, in CPU time (decision 11), beside the machine's peak measured in the same run. A run of all kernels writes benchmarks/results/kernels.json.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { build } from "esbuild";
import { cpuSeconds, measurePeaks, SAMPLE } from "./peak.mjs";

const root = new URL("..", import.meta.url);
const { outputFiles } = await build({
  stdin: {
    contents: ["assembly/shared/plan", "assembly/shared/layout", "src/plan/pack-qs8", "src/plan/pack-qbw"]
      .map((file) => `export * from "./${file}.ts";`)
      .join(""),
    resolveDir: root.pathname,
  },
  bundle: true,
  format: "esm",
  write: false,
});
const kit = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
const {
  Binary,
  BinaryField,
  BlockGemmField,
  ConvField,
  CopyField,
  F32_NR,
  GemmField,
  IMAGE_START,
  Op,
  PANEL_ROWS,
  PackField,
  QuantizeField,
  SoftmaxField,
} = kit;
const {
  blockCount,
  packBlocks,
  QS8_NR,
  qbwScratch,
  TableField,
  Unary,
  UnaryField,
  packQs8Gemm,
  padChannels,
  qs8ConvScratch,
  qs8WinogradScratch,
  qs8DepthwiseScratch,
  qs8GemmScratch,
} = kit;

const { instance } = await WebAssembly.instantiate(await readFile(new URL("dist/simd.wasm", root)));
const { memory, run } = instance.exports;
const PLAN_WORDS = 64;
let top = IMAGE_START;

/** Zeroed memory, aligned to a cache line. */
function allocate(bytes) {
  const at = top;
  top = (top + bytes + 63) & ~63;
  if (top > memory.buffer.byteLength) memory.grow(Math.ceil((top - memory.buffer.byteLength) / 65536));
  new Uint8Array(memory.buffer, at, top - at).fill(0);
  return at;
}

function floats(n) {
  const at = allocate(4 * n);
  new Float32Array(memory.buffer, at, n).forEach((_, i, all) => {
    all[i] = Math.sin(i);
  });
  return at;
}

/** Writes a plan of one record; a field is an i32, or an f32 where it is given as `{ f32 }`. */
function plan(op, enumeration, fields) {
  const words = 2 + Object.keys(enumeration).length / 2;
  const at = allocate(4 * PLAN_WORDS);
  const view = new DataView(memory.buffer, at, 4 * PLAN_WORDS);
  view.setInt32(0, op, true);
  view.setInt32(4, words, true);
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "number") view.setInt32(4 * enumeration[name], value, true);
    else view.setFloat32(4 * enumeration[name], value.f32, true);
  }
  return at;
}

const open = { lo: { f32: -Infinity }, hi: { f32: Infinity } };
const panels = (n) => Math.ceil(n / F32_NR) * F32_NR;

function gemm(m, n, k) {
  const fields = {
    batch: 1,
    m,
    n,
    k,
    a: floats(m * k),
    lda: k,
    w: floats(panels(n) * k),
    bias: floats(n),
    c: floats(m * n),
    ldc: n,
    ...open,
  };
  return { plan: plan(Op.f32_gemm, GemmField, fields), work: 2 * m * n * k };
}

function pack(n, k, n_major) {
  const fields = { batch: 1, n, k, b: floats(n * k), k_stride: n_major ? 1 : n, n_stride: n_major ? k : 1, w: floats(panels(n) * k) };
  return { plan: plan(Op.f32_pack, PackField, fields), work: n * k };
}

function window(size, in_c, out_c, kernel, stride, scratch) {
  const out = Math.ceil(size / stride);
  return {
    batch: 1,
    in_h: size,
    in_w: size,
    in_c,
    out_h: out,
    out_w: out,
    out_c,
    kernel_h: kernel,
    kernel_w: kernel,
    stride_h: stride,
    stride_w: stride,
    dilation_h: 1,
    dilation_w: 1,
    pad_top: kernel >> 1,
    pad_left: kernel >> 1,
    groups: 1,
    a: floats(size * size * in_c),
    bias: floats(out_c),
    c: floats(out * out * out_c),
    scratch: allocate(scratch),
    ...open,
  };
}

function conv(size, in_c, out_c, kernel, stride = 1) {
  const k = kernel * kernel * in_c;
  const fields = { ...window(size, in_c, out_c, kernel, stride, 4 * PANEL_ROWS * k), w: floats(panels(out_c) * k) };
  return { plan: plan(Op.f32_conv, ConvField, fields), work: 2 * fields.out_h * fields.out_w * out_c * k };
}

function dwconv(size, channels, kernel, stride = 1) {
  const fields = { ...window(size, channels, channels, kernel, stride, 0), w: floats(kernel * kernel * channels) };
  return { plan: plan(Op.f32_dwconv, ConvField, fields), work: 2 * fields.out_h * fields.out_w * channels * kernel * kernel };
}

function unary(kind, n) {
  return { plan: plan(Op.f32_unary, UnaryField, { kind, n, a: floats(n), c: floats(n), alpha: { f32: 0 }, beta: { f32: 6 } }), work: n };
}

function softmax(rows, n) {
  return { plan: plan(Op.f32_softmax, SoftmaxField, { rows, n, a: floats(rows * n), c: floats(rows * n) }), work: rows * n };
}

const grid = { lo: -128, hi: 127, a_zero: 3, c_zero: -4, c_size: 1 };

function put(data) {
  const at = allocate(data.byteLength);
  new Uint8Array(memory.buffer, at, data.byteLength).set(new Uint8Array(data.buffer));
  return at;
}

function integers(n) {
  return Int8Array.from({ length: n }, (_, i) => Math.sin(i) * 127);
}

/** Packed weights and the arrays that go with them. */
function qs8Layer(n, k) {
  const scale = padChannels(new Float32Array(n).fill(0.01 / Math.sqrt(k)));
  return { w: put(packQs8Gemm(integers(n * k), n, k)), bias: put(new Int32Array(scale.length)), scale: put(scale) };
}

function qs8_gemm(m, n, k) {
  const scratch = allocate(qs8GemmScratch(k, m));
  const fields = { batch: 1, m, n, k, a: put(integers(m * k)), lda: k, ...qs8Layer(n, k), c: allocate(m * n), ldc: n, ...grid, scratch };
  return { plan: plan(Op.qs8_gemm, GemmField, fields), work: m * n * k };
}

/** Weights of 4 or 8 bits in blocks of 32; f32 in and out. */
function qs8_qbw_gemm(m, n, k, bits) {
  const block = 32;
  const { data } = packBlocks(
    integers(n * k).map((q) => q >> (8 - bits)),
    n,
    k,
    block,
  );
  const scale = put(new Float32Array(blockCount(n, k / block, QS8_NR)).fill(0.01));
  const shape = { m, n, k, block, bits, a: floats(m * k), a_size: 4, w: put(data), scale, c: allocate(4 * m * n), c_size: 4 };
  return {
    plan: plan(Op.qs8_qbw_gemm, BlockGemmField, { ...shape, ...open, scratch: allocate(qbwScratch(m, k, block)) }),
    work: m * n * k,
  };
}

function qs8_conv(size, in_c, out_c, kernel, stride = 1, winograd = false) {
  const k = kernel * kernel * in_c;
  const pair = (x) => [x, x];
  const pad = pair(kernel >> 1);
  const geometry = {
    batch: 1,
    out: pair(Math.ceil(size / stride)),
    kernel: pair(kernel),
    stride: pair(stride),
    dilation: pair(1),
    pad: [...pad, ...pad],
  };
  const bytes = winograd ? qs8WinogradScratch(in_c, geometry) : qs8ConvScratch(in_c, geometry);
  const shape = window(size, in_c, out_c, kernel, stride, bytes);
  const fields = { ...shape, a: put(integers(size * size * in_c)), ...qs8Layer(out_c, k), ...grid };
  return { plan: plan(winograd ? Op.qs8_winograd : Op.qs8_conv, ConvField, fields), work: shape.out_h * shape.out_w * out_c * k };
}

const qs8_winograd = (size, in_c, out_c) => qs8_conv(size, in_c, out_c, 3, 1, true);

/** An image's planes become pixels. */
function copy(size, bytes) {
  const dims = { d0: 1, d1: 1, d2: 1, d3: 1, d4: size * size, d5: 3, s4: 1, s5: size * size, t4: 3, t5: 1 };
  const n = 3 * size * size;
  return { plan: plan(Op.copy, CopyField, { src: allocate(n * bytes), dst: allocate(n * bytes), size: bytes, ...dims }), work: n };
}

function qs8_dwconv(size, channels, kernel, stride = 1) {
  const out = Math.ceil(size / stride);
  const pair = (x) => [x, x];
  const bytes = qs8DepthwiseScratch(channels, { out: pair(out), kernel: pair(kernel), stride: pair(stride), dilation: pair(1) });
  const shape = window(size, channels, channels, kernel, stride, bytes);
  const fields = { ...shape, a: put(integers(size * size * channels)), ...qs8Layer(channels, kernel * kernel), ...grid };
  return { plan: plan(Op.qs8_dwconv, ConvField, fields), work: out * out * channels * kernel * kernel };
}

function qs8_binary(kind, n) {
  const dims = { d0: 1, d1: 1, d2: 1, d3: 1, d4: 1, d5: n, a5: 1, b5: 1 };
  const fields = {
    kind,
    ...dims,
    a: put(integers(n)),
    b: put(integers(n)),
    c: allocate(n),
    lo: -128,
    hi: 127,
    a_zero: 3,
    c_zero: -4,
    a_scale: { f32: 0.01 },
    b_scale: { f32: 0.02 },
  };
  return { plan: plan(Op.qs8_binary, BinaryField, fields), work: n };
}

function qs8_quantize(n) {
  return { plan: plan(Op.qs8_quantize, QuantizeField, { n, a: floats(n), c: allocate(n), scale: { f32: 0.01 }, zero: 3 }), work: n };
}

function qs8_table(n) {
  const fields = { n, a: put(integers(n)), table: put(integers(256)), c: allocate(n) };
  return { plan: plan(Op.qs8_table, TableField, fields), work: n };
}

const KERNELS = {
  "copy 3 planes of 96², 1 byte, Gelement/s": () => copy(96, 1),
  "copy 3 planes of 96², 4 bytes, Gelement/s": () => copy(96, 4),
  "f32_gemm 256³, GFLOP/s": () => gemm(256, 256, 256),
  "f32_gemm 512³, GFLOP/s": () => gemm(512, 512, 512),
  "f32_gemm 1024³, GFLOP/s": () => gemm(1024, 1024, 1024),
  "f32_gemm 1×1024×1024, GFLOP/s": () => gemm(1, 1024, 1024),
  "f32_gemm 1×128×128, GFLOP/s": () => gemm(1, 128, 128),
  "f32_conv 1×1 56² 64→64, GFLOP/s": () => conv(56, 64, 64, 1),
  "f32_conv 3×3 28² 32→32, GFLOP/s": () => conv(28, 32, 32, 3),
  "f32_conv 3×3 112² 3→32 stride 2, GFLOP/s": () => conv(112, 3, 32, 3, 2),
  "f32_dwconv 3×3 56² 64, GFLOP/s": () => dwconv(56, 64, 3),
  "f32_dwconv 3×3 14² 256, GFLOP/s": () => dwconv(14, 256, 3),
  "f32_dwconv 3×3 56² 64 stride 2, GFLOP/s": () => dwconv(56, 64, 3, 2),
  "f32_dwconv 5×5 28² 64, GFLOP/s": () => dwconv(28, 64, 5),
  "f32_pack 512×512 k-major, Gelement/s": () => pack(512, 512, false),
  "f32_pack 512×512 n-major, Gelement/s": () => pack(512, 512, true),
  "f32_unary clamp, Gelement/s": () => unary(Unary.clamp, 8192),
  "f32_unary gelu, Gelement/s": () => unary(Unary.gelu, 8192),
  "f32_unary exp, Gelement/s": () => unary(Unary.exp, 8192),
  "f32_softmax 128×128, Gelement/s": () => softmax(128, 128),
  "qs8_gemm 256³, GMAC/s": () => qs8_gemm(256, 256, 256),
  "qs8_gemm 512³, GMAC/s": () => qs8_gemm(512, 512, 512),
  "qs8_gemm 1024³, GMAC/s": () => qs8_gemm(1024, 1024, 1024),
  "qs8_gemm 3136×144×24, GMAC/s": () => qs8_gemm(3136, 144, 24),
  "qs8_gemm 49×960×160, GMAC/s": () => qs8_gemm(49, 960, 160),
  "qs8_gemm 1×1024×1024, GMAC/s": () => qs8_gemm(1, 1024, 1024),
  "qs8_gemm 1×4096×4096, GMAC/s": () => qs8_gemm(1, 4096, 4096),
  "qs8_qbw_gemm 4 bits 256³, GMAC/s": () => qs8_qbw_gemm(256, 256, 256, 4),
  "qs8_qbw_gemm 4 bits 128×384×1536, GMAC/s": () => qs8_qbw_gemm(128, 384, 1536, 4),
  "qs8_qbw_gemm 8 bits 256³, GMAC/s": () => qs8_qbw_gemm(256, 256, 256, 8),
  "qs8_qbw_gemm 4 bits 1×1024×1024, GMAC/s": () => qs8_qbw_gemm(1, 1024, 1024, 4),
  "qs8_qbw_gemm 4 bits 1×4096×4096, GMAC/s": () => qs8_qbw_gemm(1, 4096, 4096, 4),
  "qs8_qbw_gemm 8 bits 1×1024×1024, GMAC/s": () => qs8_qbw_gemm(1, 1024, 1024, 8),
  "qs8_conv 1×1 56² 64→128, GMAC/s": () => qs8_conv(56, 64, 128, 1),
  "qs8_conv 3×3 28² 64→64, GMAC/s": () => qs8_conv(28, 64, 64, 3),
  "qs8_conv 3×3 32² 16→16, GMAC/s": () => qs8_conv(32, 16, 16, 3),
  "qs8_winograd 3×3 28² 64→64, GMAC/s": () => qs8_winograd(28, 64, 64),
  "qs8_winograd 3×3 32² 16→16, GMAC/s": () => qs8_winograd(32, 16, 16),
  "qs8_winograd 3×3 14² 256→256, GMAC/s": () => qs8_winograd(14, 256, 256),
  "qs8_winograd 3×3 7² 512→512, GMAC/s": () => qs8_winograd(7, 512, 512),
  "qs8_conv 3×3 224² 3→32 stride 2, GMAC/s": () => qs8_conv(224, 3, 32, 3, 2),
  "qs8_conv 3×3 96² 3→8 stride 2, GMAC/s": () => qs8_conv(96, 3, 8, 3, 2),
  "qs8_dwconv 3×3 56² 64, GMAC/s": () => qs8_dwconv(56, 64, 3),
  "qs8_dwconv 3×3 14² 256, GMAC/s": () => qs8_dwconv(14, 256, 3),
  "qs8_dwconv 3×3 56² 64 stride 2, GMAC/s": () => qs8_dwconv(56, 64, 3, 2),
  "qs8_dwconv 5×5 28² 64, GMAC/s": () => qs8_dwconv(28, 64, 5),
  "qs8_binary add, Gelement/s": () => qs8_binary(Binary.add, 65536),
  "qs8_binary mul, Gelement/s": () => qs8_binary(Binary.mul, 65536),
  "qs8_quantize, Gelement/s": () => qs8_quantize(65536),
  "qs8_table, Gelement/s": () => qs8_table(65536),
};

/** Median of the seconds of CPU time that one run takes, once the engine has settled; short kernels run several times a sample. */
function measure(address) {
  const start = performance.now();
  let runs = 0;
  const before = cpuSeconds();
  for (; performance.now() - start < 1500; runs++) run(address);
  const batch = Math.ceil((SAMPLE * runs) / (cpuSeconds() - before));
  const samples = Array.from({ length: 31 }, () => {
    const from = cpuSeconds();
    for (let i = 0; i < batch; i++) run(address);
    return (cpuSeconds() - from) / batch;
  });
  return samples.sort((a, b) => a - b)[15];
}

const part = process.argv[2] ?? "";
const results = [];
const first = measurePeaks();
for (const [title, make] of Object.entries(KERNELS)) {
  if (!title.includes(part)) continue;
  top = IMAGE_START;
  const kernel = make();
  const [name, unit] = title.split(/, (?=G)/);
  results.push({ name, unit, speed: kernel.work / measure(kernel.plan) / 1e9 });
}
const last = measurePeaks();
const peaks = Object.fromEntries(Object.keys(first).map((unit) => [unit, Math.max(first[unit], last[unit])]));
for (const [unit, peak] of Object.entries(peaks)) console.log(`${"peak".padEnd(40)} ${peak.toFixed(2).padStart(7)} ${unit}`);
for (const row of results) {
  if (peaks[row.unit]) row.share = row.speed / peaks[row.unit];
  const share = row.share ? `${Math.round(100 * row.share)} %`.padStart(7) : "";
  console.log(`${row.name.padEnd(40)} ${row.speed.toFixed(2).padStart(7)} ${row.unit.padEnd(10)}${share}`);
}
if (!part) {
  const machine = { date: new Date().toISOString().slice(0, 10), node: process.version, cpu: cpus()[0].model };
  await mkdir(new URL("benchmarks/results/", root), { recursive: true });
  await writeFile(new URL("benchmarks/results/kernels.json", root), `${JSON.stringify({ machine, peaks, results }, null, 2)}\n`);
}
