import { NonZeroField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { elementCount, f32, i64, type Tensor, type TensorType, tensor } from "../tensor/index.ts";
import { defineOp } from "./define.ts";
import { ELEMENTS } from "./lowering.ts";

const placesIn = ({ data }: Tensor): number[] => Array.from(data, (_, i) => i).filter((i) => data[i] !== 0);

const typeFor = ({ shape }: TensorType, n: number): TensorType => ({ dtype: "i64", shape: [shape.length, n] });

const RANK = 6;

/** Coordinates of all elements that are not 0, a column for each. As many as there are elements is the most there can be. */
export const NonZero = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ inputs: [x], constant }) => {
    const known = constant(0);
    return [known ? typeFor(x!, placesIn(known).length) : { ...typeFor(x!, elementCount(x!.shape)), bound: { axis: 1, zeros: true } }];
  },
  eval: ({ inputs: [x] }): Tensor[] => {
    const places = placesIn(x!);
    const rows = x!.shape.map((d, k) => {
      const inner = elementCount(x!.shape.slice(k + 1));
      return places.map((at) => Math.floor(at / inner) % d);
    });
    return [tensor("i64", rows.flat(), [x!.shape.length, places.length])];
  },
  lower: (ctx) => {
    const [x] = ctx.node.inputs;
    const [y] = ctx.node.outputs;
    const { shape, dtype } = ctx.type(x);
    if (shape.length > RANK) throw new RangeError(`an input of rank ${shape.length}; the kernel takes ${RANK}`);
    const length = ctx.scratch(4);
    ctx.emit(Op.non_zero, {
      [NonZeroField.element]: ELEMENTS[dtype],
      [NonZeroField.rank]: shape.length,
      [NonZeroField.n]: elementCount(shape),
      [NonZeroField.d0]: shape[0] ?? 1,
      [NonZeroField.d1]: shape[1] ?? 1,
      [NonZeroField.d2]: shape[2] ?? 1,
      [NonZeroField.d3]: shape[3] ?? 1,
      [NonZeroField.d4]: shape[4] ?? 1,
      [NonZeroField.d5]: shape[5] ?? 1,
      [NonZeroField.a]: ctx.place(x),
      [NonZeroField.c]: ctx.place(y),
      [NonZeroField.length]: length,
    });
    ctx.measured(y, length);
  },
  cases: [
    { name: "a matrix", inputs: [f32([0, 1, 2, 0, 0, -3], [2, 3])] },
    { name: "three axes of bool", inputs: [tensor("bool", [0, 1, 1, 0, 0, 0, 1, 1], [2, 2, 2])] },
    { name: "a scalar", inputs: [tensor("f32", [3], [])] },
    { name: "nothing but zeros", inputs: [i64([0, 0, 0])] },
  ],
});
