import { describe, expect, it } from "vitest";
import { readOnnx } from "../../src/onnx/index.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { failure, model, node, subgraph, value } from "./model.ts";

const BOOL = 9;
const INT64 = 7;

/** Two branches that read `x` from outside, and `y`, which only an If inside the first reads. Both call what they compute `r`. */
const nested = model({
  input: [value("c", [], BOOL), value("d", [], BOOL), value("x", [2]), value("w", [2])],
  output: [value("out")],
  node: [
    node("Neg", "w", "y"),
    node(
      "If",
      "c",
      "out",
      {
        then_branch: subgraph({
          output: [value("r")],
          node: [
            node("If", "d", "r", {
              then_branch: subgraph({ output: [value("s")], node: [node("Add", "x y", "s")] }),
              else_branch: subgraph({ output: [value("s")], node: [node("Sub", "x y", "s")] }),
            }),
          ],
        }),
        else_branch: subgraph({
          output: [value("r")],
          initializer: [writeTensor("two", f32([2]))],
          node: [node("Mul", "x two", "r")],
        }),
      },
      "outer",
    ),
  ],
});

describe("subgraphs", () => {
  it("are closed: what they read outside are inputs of their node, in the order in which it is first read", () => {
    const { graph } = readOnnx(nested);
    verifyGraph(inferTypes(graph));
    expect(printGraph(inferTypes(graph))).toMatchInlineSnapshot(`
      "graph g(%c: bool[], %d: bool[], %x: f32[2], %w: f32[2]) -> (%out)
        %y: f32[2] = Neg(%w)
        %out: f32[2] = If(%c, %d, %x, %y) {captures=3}
          then_branch: graph inner(%d, %x, %y) -> (%r)
            %r = If(%d, %x, %y) {captures=2}
              then_branch: graph inner(%x, %y) -> (%s)
                %s = Add(%x, %y)
              else_branch: graph inner(%x, %y) -> (%s)
                %s = Sub(%x, %y)
          else_branch: graph inner(%d, %x, %y) -> (%r)
            const %two: f32[1] = [2]
            %r = Mul(%x, %two)
      "
    `);
  });

  it("compute with what stands outside", () => {
    const { graph } = readOnnx(nested);
    const flag = (on: boolean) => tensor("bool", [Number(on)], []);
    for (const form of [graph, optimize(graph)]) {
      verifyGraph(optimize(graph));
      const run = (c: boolean, d: boolean) =>
        Array.from(evaluate(form, { c: flag(c), d: flag(d), x: f32([1, 2]), w: f32([10, 20]) }).out.data);
      expect([run(true, true), run(true, false), run(false, true)]).toEqual([
        [-9, -18],
        [11, 22],
        [2, 4],
      ]);
    }
  });

  it("keep what only they read, and names that two of them share do not meet when both are inlined", () => {
    const branch = (op: string) => subgraph({ output: [value("r")], node: [node("Identity", "h", "mine"), node(op, "mine mine", "r")] });
    const bytes = model({
      input: [value("x", [2])],
      output: [value("p"), value("q")],
      initializer: [writeTensor("yes", tensor("bool", [1], []))],
      node: [
        node("Split", "x", "g h", { axis: 0 }),
        node("If", "yes", "p", { then_branch: branch("Add"), else_branch: branch("Sub") }),
        node("If", "yes", "q", { then_branch: branch("Mul"), else_branch: branch("Sub") }),
      ],
    });
    const graph = optimize(readOnnx(bytes).graph);
    verifyGraph(graph);
    expect(graph.nodes.map(({ op }) => op)).not.toContain("If");
    const { p, q } = evaluate(graph, { x: f32([3, 5]) });
    expect([p.data[0], q.data[0]]).toEqual([10, 25]);
  });

  it("of a Loop may leave its limit out, and captures come behind the inputs that are left out", () => {
    const body = subgraph({
      input: [value("i", [], INT64), value("go", [], BOOL)],
      output: [value("again"), value("s")],
      node: [node("Identity", "go", "again"), node("Abs", "x", "s")],
    });
    const bytes = model({
      input: [value("x", [2])],
      output: [value("y")],
      initializer: [writeTensor("three", i64([3], []))],
      node: [node("Loop", "three", "y", { body })],
    });
    const { graph } = readOnnx(bytes);
    expect(graph.nodes[0].inputs).toEqual(["three", "", "x"]);
    expect(Array.from(evaluate(graph, { x: f32([-1, 2]) }).y.data)).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it("that read what nothing writes are refused", () => {
    const branch = subgraph({ output: [value("r")], node: [node("Abs", "ghost", "r")] });
    const bytes = model({
      input: [value("c", [], BOOL)],
      output: [value("y")],
      node: [node("If", "c", "y", { then_branch: branch, else_branch: branch }, "branch")],
    });
    expect(failure(() => readOnnx(bytes))).toMatchInlineSnapshot(`
      "ONNX_INVALID: The model's graph is not valid:
        - If branch reads ghost, which nothing writes"
    `);
  });

  it("in each other may not be endlessly deep", () => {
    const leaf = subgraph({ output: [value("r")], node: [node("Abs", "x", "r")] });
    let inner = leaf;
    for (let depth = 0; depth < 20; depth++)
      inner = subgraph({ output: [value("r")], node: [node("If", "c", "r", { then_branch: inner, else_branch: leaf })] });
    const bytes = model({
      input: [value("c", [], BOOL), value("x", [1])],
      output: [value("y")],
      node: [node("If", "c", "y", { then_branch: inner, else_branch: leaf })],
    });
    expect(failure(() => readOnnx(bytes))).toMatchInlineSnapshot(
      `"ONNX_INVALID: The model's subgraphs stand in each other more than 16 deep."`,
    );
  });

  it("are read whole or not at all: every length of a small model gives an error", () => {
    for (let length = 0; length < nested.length; length++) expect(failure(() => readOnnx(nested.subarray(0, length)))).toMatch(/^ONNX_/);
  });
});
