import { describe, expect, it } from "vitest";
import { readOnnx } from "../../src/onnx/index.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { f32 } from "../../src/tensor/index.ts";
import { failure, model, node, value } from "./model.ts";

const [UINT16, UINT4, INT4] = [4, 21, 22];

type Initializer = ReturnType<typeof writeTensor>;

function read(nodes: ReturnType<typeof node>[], initializer: Initializer[]) {
  const bytes = model({ input: [value("x", [4])], output: [value("y")], node: nodes, initializer }, 21);
  return inferTypes(readOnnx(bytes).graph);
}

const run = (nodes: ReturnType<typeof node>[], initializer: Initializer[]): number[] =>
  Array.from(evaluate(read(nodes, initializer), { x: f32([-0.3, 0.26, 0.9, 100]) }).y.data);

/** Elements of 4 bits, two in a byte, the first in its lower half. */
const nibbles = (name: string, dims: number[], dataType: number, ...bytes: number[]): Initializer => ({
  name,
  dims,
  dataType,
  rawData: Uint8Array.from(bytes),
});

const S = writeTensor("s", f32([0.5, 2], [2, 1]));

describe("integers of 4 bits", () => {
  it("are read two from a byte, signed or not", () => {
    const dequantize = node("DequantizeLinear", "q s", "y", { axis: 1, block_size: 3 });
    const shape = [2, 3];
    expect(run([dequantize], [nibbles("q", shape, UINT4, 0x21, 0xf3, 0x08), S])).toEqual([0.5, 1, 1.5, 30, 16, 0]);
    expect(run([dequantize], [nibbles("q", shape, INT4, 0x21, 0xf3, 0x08), S])).toEqual([0.5, 1, 1.5, -2, -16, 0]);
  });

  it("are read from typed data, where one number is one byte", () => {
    const q: Initializer = { name: "q", dims: [3], dataType: INT4, int32Data: [0x7f, 0x08] };
    expect(run([node("DequantizeLinear", "q s", "y")], [q, writeTensor("s", f32([1], []))])).toEqual([-1, 7, -8]);
  });

  it("have data of their size, or are refused", () => {
    const short = () => read([node("DequantizeLinear", "q s", "y")], [nibbles("q", [5], UINT4, 1, 2), S]);
    expect(failure(short)).toMatch(/2 bytes of data for uint4\[5\], which takes 3/);
  });

  it("are not computed: a Cast to them is refused", () => {
    expect(failure(() => read([node("Cast", "x", "y", { to: INT4 })], []))).toMatch(/int4 is not supported/);
  });
});

describe("QuantizeLinear saturates to the integers of its zero point", () => {
  const scale = writeTensor("s", f32([0.1], []));
  it.each([
    ["int4", nibbles("z", [], INT4, 0x01), [-2, 4, 7, 7]],
    ["uint4", nibbles("z", [], UINT4, 0x05), [2, 8, 14, 15]],
    ["uint16", { name: "z", dims: [], dataType: UINT16, int32Data: [65000] }, [64997, 65003, 65009, 65535]],
  ] as const)("%s", (_name, zero, expected) => {
    expect(run([node("QuantizeLinear", "x s z", "y")], [scale, zero as Initializer])).toEqual(expected);
  });
});
