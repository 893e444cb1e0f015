/**
 * Nets whose products have weights of 4 bits in blocks: `node scripts/ts.mjs benchmarks/nbits.ts [--nets encoder,gemv-1024]`. edgepack and onnxruntime-web run
 * the same ONNX, in which they are MatMulNBits that allow int8 inputs (`accuracy_level` 4).
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "../src/build.ts";
import { exportOnnx } from "../src/export.ts";
import type { Graph } from "../src/graph/graph.ts";
import { optimize } from "../src/passes/index.ts";
import { load } from "../src/run/index.ts";
import { inferTypes } from "../src/semantics/infer.ts";
import { quantizeWeights } from "../src/tensor/index.ts";
import { ROOT } from "./fashion-mnist.ts";
import { measure } from "./measure.ts";
import { NETS } from "./nets.ts";

const BLOCK = 32;
/** int4 without its lowest. */
const LEVELS = 15;

/** A net of `nets.ts` as ONNX in which every product with constant weights is MatMulNBits. */
export function nbitsOnnx(name: string): Uint8Array {
  return exportOnnx(inBlocks(optimize(NETS[name].graph())));
}

function inBlocks(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  for (const { op, inputs } of graph.nodes) {
    const weights = constants.get(inputs[1]);
    if (op === "MatMul" && weights?.shape.length === 2 && !weights.quant)
      constants.set(inputs[1], quantizeWeights(weights, { axis: 0, size: BLOCK }, LEVELS));
  }
  const types = new Map(graph.inputs.map((input) => [input, graph.types.get(input)!]));
  return inferTypes({ ...graph, constants, types });
}

/** Signal over the noise of `actual`, in dB. */
function sqnr(wanted: ArrayLike<number>, actual: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    signal += wanted[i] ** 2;
    noise += (wanted[i] - actual[i]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({ options: { nets: { type: "string", default: "encoder,gemv-1024" } } });
  const require = createRequire(new URL("tests/peers/package.json", ROOT));
  const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")).href);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  for (const name of options.nets.split(",")) {
    const onnx = nbitsOnnx(name);
    const { epk, meta, report } = await build(onnx, { weights: "f32" });
    const model = await load(epk);
    const [input] = meta.inputs;
    const x = Float32Array.from({ length: input.shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i * i));
    const session = await ort.InferenceSession.create(onnx);
    const feeds = { [input.name]: new ort.Tensor("float32", x, input.shape) };
    const answers = Object.values((await session.run(feeds)) as Record<string, { data: Float32Array }>);
    const ours = Object.values(model.run({ [input.name]: x }));
    const times = await measure({
      edgepack: () => model.run({ [input.name]: x }),
      onnxruntime: () => session.run(feeds),
    });
    console.log(
      name.padEnd(12),
      `edgepack ${times.edgepack.ms.toPrecision(3)} ms, onnxruntime-web ${times.onnxruntime.ms.toPrecision(3)} ms,`,
      `${(times.onnxruntime.ms / times.edgepack.ms).toFixed(1)} times;`,
      `SQNR against it ${sqnr(answers[0].data, ours[0] as Float32Array).toFixed(1)} dB;`,
      `${epk.length} bytes for ${onnx.length} of ONNX, memory ${JSON.stringify(report.memory)}`,
    );
    model.dispose();
  }
}

if (process.argv[1]?.includes("nbits")) await main();
