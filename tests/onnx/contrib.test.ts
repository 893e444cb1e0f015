import { describe, expect, it } from "vitest";
import { readOnnx } from "../../src/onnx/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { f32 } from "../../src/tensor/index.ts";
import { failure, model, node, value } from "./model.ts";

const X = [-2, -0.5, 0, 1, 3];
const BIAS = [0.5, 0.25, 0, -0.25, 1];

function run(op: string, inputs: string, attrs = {}): number[] {
  const bytes = model({
    input: [value("x", [5]), value("bias", [5])],
    output: [value("y")],
    node: [{ ...node(op, inputs, "y", attrs), domain: "com.microsoft" }],
  });
  const { y } = evaluate(inferTypes(readOnnx(bytes).graph), { x: f32(X), bias: f32(BIAS) });
  return Array.from(y.data);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const tanhGelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const biased = X.map((x, i) => x + BIAS[i]);

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((want, i) => {
    expect(actual[i]).toBeCloseTo(want, 6);
  });
}

describe("operators of com.microsoft", () => {
  it("QuickGelu has a factor of its own", () => {
    expectClose(
      run("QuickGelu", "x"),
      X.map((x) => x * sigmoid(1.702 * x)),
    );
    expectClose(
      run("QuickGelu", "x", { alpha: { f: 2 } }),
      X.map((x) => x * sigmoid(2 * x)),
    );
  });

  it("FastGelu is the tanh form, after a bias where there is one", () => {
    expectClose(run("FastGelu", "x"), X.map(tanhGelu));
    expectClose(run("FastGelu", "x bias"), biased.map(tanhGelu));
  });

  it("Gelu and BiasGelu are the exact form", () => {
    expect(run("Gelu", "x")[3]).toBeCloseTo(0.8413447, 6);
    expect(run("BiasGelu", "x bias")[3]).toBeCloseTo(0.75 * 0.7733726, 6);
  });

  it("are refused with their attributes where they have others than these", () => {
    expect(failure(() => run("QuickGelu", "x", { beta: 1 }))).toContain("attribute beta is not supported");
  });
});
