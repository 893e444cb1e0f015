import { i64, tensor } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineFunction } from "./function.ts";
import { constantInts, uniqueAxes } from "./inputs.ts";

/** Cuts axes to a size, or pads them to it with zeros, alike on both sides; an odd element comes off, or is put, at the end. */
export const CenterCropPad = defineFunction({
  attrs: { axes: attr.ints() },
  arity: [2, 2],
  tolerance: "exact",
  body(parts) {
    const { node, type, constant, value } = parts;
    const [x, target] = node.inputs;
    const { shape } = type(x);
    const axes = uniqueAxes((node.attrs.axes as readonly number[] | undefined) ?? shape.map((_, i) => i), shape.length);
    const sizes = constantInts({ inputs: node.inputs.map(type), constant: () => constant(target) }, 1, "shape");
    if (sizes.length !== axes.length || sizes.some((d) => d < 0)) throw new RangeError(`shape [${sizes}] does not fit axes [${axes}]`);
    const pads = axes.map((axis, i) => {
      const more = sizes[i] - shape[axis];
      const before = Math.trunc(more / 2);
      return [before, more - before];
    });
    const flat = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
    parts.add("Pad", [x, value(i64(flat)), "", value(i64(axes))], {}, node.outputs);
  },
  cases: [
    { name: "both", inputs: [wave([10, 7, 3]), i64([7, 10, 3])], constants: [1] },
    { name: "given axes", inputs: [wave([4, 9, 3]), i64([6, 5])], attrs: { axes: [-1, 1] }, constants: [1] },
    { name: "integers", inputs: [tensor("u8", [1, 2, 3, 4, 5, 6], [2, 3]), i64([3, 2])], constants: [1] },
  ],
});
