/**
 * Silero's voice activity detectors against onnxruntime-web, on a stream of frames with the state carried over. `npm ci` in this folder brings those of
 * @ricky0123/vad-web; set EDGEPACK_MODELS to a folder that has silero_vad_16k_op15.onnx to compare that as well.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { build, load } from "../../src/index.ts";

interface Candidate {
  readonly name: string;
  readonly path: string;
  /** Samples of a frame, at 16 kHz. */
  readonly samples: number;
  /** Inputs that hold the state, the outputs that give the next, and their shape. */
  readonly state: Readonly<Record<string, string>>;
  readonly shape: readonly number[];
}

const packaged = (file: string): string => fileURLToPath(new URL(`node_modules/@ricky0123/vad-web/dist/${file}`, import.meta.url));

const candidates: readonly Candidate[] = [
  { name: "Silero v5", path: packaged("silero_vad_v5.onnx"), samples: 576, state: { state: "stateN" }, shape: [2, 1, 128] },
  { name: "Silero v4", path: packaged("silero_vad_legacy.onnx"), samples: 1536, state: { h: "hn", c: "cn" }, shape: [2, 1, 64] },
  ...(process.env.EDGEPACK_MODELS
    ? [
        {
          name: "Silero for 16 kHz, opset 15",
          path: join(process.env.EDGEPACK_MODELS, "silero_vad_16k_op15.onnx"),
          samples: 576,
          state: { state: "stateN" },
          shape: [2, 1, 128],
        },
      ]
    : []),
];

const FRAMES = 100;
const RATE = 16000;

/** Like speech as far as the models can tell: harmonics of a wandering pitch for some frames, breath between. */
function frames(samples: number): Float32Array[] {
  let seed = 1;
  let phase = 0;
  const noise = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  return Array.from({ length: FRAMES }, (_, frame) => {
    const loudness = frame % 20 < 12 ? 0.15 * (1 + 0.5 * Math.sin(frame)) : 0;
    return Float32Array.from({ length: samples }, () => {
      phase += ((120 + 60 * Math.sin(frame / 9)) / RATE) * 2 * Math.PI;
      let voice = 0;
      for (let k = 1; k < 12; k++) voice += Math.sin(k * phase) / k;
      return loudness * voice + 0.01 * noise();
    });
  });
}

for (const { name, path, samples, state, shape } of candidates) {
  describe(name, () => {
    it("gives the same outputs and states over a stream, within 1e-3", async () => {
      const onnx = readFileSync(path);
      const ort = await import("onnxruntime-web");
      ort.env.wasm.numThreads = 1;
      const session = await ort.InferenceSession.create(onnx);
      const inputs = Object.keys(state);
      const shapes = Object.fromEntries([["input", [1, samples]], ...inputs.map((input) => [input, shape] as const)]);
      const { epk } = await build(onnx, { weights: "f32", shapes, fixed: { sr: [RATE] } });
      using model = await load(epk);
      const silence = new Float32Array(shape.reduce((n, d) => n * d, 1));
      let ours: Record<string, Float32Array> = Object.fromEntries(inputs.map((input) => [input, silence]));
      let theirs = ours;
      let heard = 0;
      for (const [frame, samples] of frames(shapes.input[1]).entries()) {
        const actual = model.run({ input: samples, ...ours });
        const expected = await session.run({
          input: new ort.Tensor("float32", samples, [1, samples.length]),
          sr: new ort.Tensor("int64", BigInt64Array.of(BigInt(RATE)), []),
          ...Object.fromEntries(inputs.map((input) => [input, new ort.Tensor("float32", theirs[input], shape)])),
        });
        for (const output of ["output", ...Object.values(state)])
          (expected[output].data as Float32Array).forEach((want, i) => {
            expect(Math.abs(actual[output][i] - want), `${output}[${i}] of frame ${frame}`).toBeLessThanOrEqual(
              1e-3 * Math.abs(want) + 1e-5,
            );
          });
        heard += Number(actual.output[0] > 0.5);
        ours = Object.fromEntries(inputs.map((input) => [input, Float32Array.from(actual[state[input]])]));
        theirs = Object.fromEntries(inputs.map((input) => [input, Float32Array.from(expected[state[input]].data as Float32Array)]));
      }
      expect(heard, "frames that are heard as speech").toBeGreaterThan(0);
    });
  });
}
