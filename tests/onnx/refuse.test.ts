import { describe, expect, it } from "vitest";
import { readOnnx } from "../../src/onnx/index.ts";
import { f32, i64 } from "../../src/tensor/index.ts";
import { failure, model, node, subgraph, value } from "./model.ts";

describe("what is not supported", () => {
  it("is listed all at once, with operator, node, opset and reason", () => {
    const bytes = model({
      input: [value("x", [2])],
      output: [value("y")],
      node: [
        node("Bogus", "x", "a", {}, "first"),
        { ...node("Inverse", "a", "b", {}, "second"), domain: "com.microsoft" },
        node("Relu", "b", "c", { slope: 3 }),
        node("If", "c", "d", { then_branch: subgraph({ node: [node("Bogus", "b", "t", {}, "inside")], output: [value("t")] }) }, "branch"),
        node("Softmax", "d e f", "y", {}, "many"),
      ],
    });
    expect(failure(() => readOnnx(bytes))).toMatchInlineSnapshot(`
      "ONNX_UNSUPPORTED: The model needs what edgepack does not support:
        - Bogus first (ai.onnx opset 17): the operator is not supported
        - Inverse second (com.microsoft opset not given): the operator is not supported
        - Relu c (ai.onnx opset 17): attribute slope is not supported
        - Bogus inside (ai.onnx opset 17): the operator is not supported
        - If branch (ai.onnx opset 17): attribute else_branch is missing
        - Softmax many (ai.onnx opset 17): takes 1 input, has 3"
    `);
  });

  it("is an opset out of range", () => {
    const of = (opset: number) => failure(() => readOnnx(model({ node: [node("Abs", "x", "y")] }, opset)));
    expect(of(0)).toMatchInlineSnapshot(
      `"ONNX_UNSUPPORTED: The model uses opset 0; edgepack reads 1 to 25. Export it again with opset 17, or convert it with onnx.version_converter."`,
    );
    expect(of(26)).toContain("opset 26");
  });

  it("is an attribute that only the IR has", () => {
    const bytes = model({
      input: [value("x", [1, 1, 4, 4])],
      output: [value("y")],
      node: [node("MaxPool", "x", "y", { kernel_shape: [2, 2], layout: "NHWC" })],
    });
    expect(failure(() => readOnnx(bytes))).toContain("attribute layout is not supported");
  });
});

describe("shapes", () => {
  const bytes = (...inputs: ReturnType<typeof value>[]) =>
    model({ input: inputs, output: [value("y")], node: [node("Abs", inputs[0].name, "y")] });
  const image = value("image", ["batch", 3, "height", "width"]);

  it("default to a batch of 1", () => {
    expect(readOnnx(bytes(value("x", ["N", 3]))).graph.types.get("x")?.shape).toEqual([1, 3]);
    expect(readOnnx(bytes(value("x", [-1, 3]))).graph.types.get("x")?.shape).toEqual([1, 3]);
  });

  it("that cannot be guessed are asked for, all inputs at once", () => {
    expect(failure(() => readOnnx(bytes(image, value("tokens", [1, "sequence"]), value("any"))))).toMatchInlineSnapshot(`
      "SHAPE_UNKNOWN: The model leaves dimensions open that edgepack must know. Fix them with --shape:
        - image[batch,3,height,width]: dimension 2 (height), dimension 3 (width) are open; write for example --shape image=1,3,224,224
        - tokens[1,sequence]: dimension 1 (sequence) is open; write for example --shape tokens=1,128
        - any: the model says nothing of its shape; write --shape any=1,3,224,224"
    `);
  });

  it("are taken as given where they fit", () => {
    const { graph } = readOnnx(bytes(image), { shapes: { image: [2, 3, 8, 9] } });
    expect(graph.types.get("image")).toEqual({ dtype: "f32", shape: [2, 3, 8, 9] });
  });

  it("that do not fit are refused, all at once, with the name that was meant", () => {
    const shapes = { imgae: [1, 3, 8, 8], image: [1, 4, 8.5, 8] };
    expect(failure(() => readOnnx(bytes(image), { shapes }))).toMatchInlineSnapshot(`
      "USAGE: The shapes that were given do not fit the model:
        - there is no input imgae, did you mean image? The inputs are: image
        - image=1,4,8.5,8: dimensions must be whole numbers from 0
        - image=1,4,8.5,8: dimension 1 is 3 in the model, not 4"
    `);
    expect(failure(() => readOnnx(bytes(image), { shapes: { image: [1, 3] } }))).toContain("has 4 dimensions, not 2");
  });

  it("are not looked up in the prototype of the options", () => {
    expect(failure(() => readOnnx(bytes(value("constructor", ["N", "M"]))))).toContain("SHAPE_UNKNOWN");
  });
});

describe("inputs that are fixed", () => {
  const bytes = model({
    input: [value("x", [2, "N"]), value("rate", [1], 7)],
    output: [value("y"), value("r")],
    node: [node("Abs", "x", "y"), node("Identity", "rate", "r")],
  });

  it("become constants", () => {
    const { graph } = readOnnx(bytes, { fixed: { rate: i64([16000]) }, shapes: { x: [2, 3] } });
    expect(graph.inputs).toEqual(["x"]);
    expect(graph.constants.get("rate")).toEqual(i64([16000]));
  });

  it("take plain numbers in the model's type and shape", () => {
    expect(readOnnx(bytes, { fixed: { rate: [8000] }, shapes: { x: [2, 3] } }).graph.constants.get("rate")).toEqual(i64([8000]));
    expect(readOnnx(bytes, { fixed: { x: [1, 2] } }).graph.constants.get("x")).toEqual(f32([1, 2], [2, 1]));
  });

  it("to values that do not fit are refused, all at once", () => {
    const fixed = { rte: i64([1]), rate: i64([1, 2]), x: i64([1]) };
    expect(failure(() => readOnnx(bytes, { fixed }))).toMatchInlineSnapshot(`
      "USAGE: The values that inputs are fixed to do not fit the model:
        - there is no input rte, did you mean rate? The inputs are: x, rate
        - the value of rate: dimension 0 is 1 in the model, not 2
        - x: the value is i64, the model takes f32
        - the value of x: the model's x has 2 dimensions, not 1"
    `);
  });
});

describe("a model read in part", () => {
  it("keeps what does not depend on what is not supported", () => {
    const bytes = model({
      input: [value("x", [2])],
      output: [value("z")],
      node: [node("Abs", "x", "a"), node("Bogus", "a", "b"), node("Neg", "b", "z"), node("Exp", "a", "e")],
    });
    const { graph, unsupported } = readOnnx(bytes, { partial: true });
    expect(graph.nodes.map((n) => n.op)).toEqual(["Abs", "Exp"]);
    expect(graph.outputs).toEqual(["e"]);
    expect(unsupported).toEqual(["Bogus b (ai.onnx opset 17): the operator is not supported"]);
  });
});
