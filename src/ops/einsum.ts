import { elementCount, i64, type Shape, stridesOf, type Tensor, type TensorType, tensor } from "../tensor/index.ts";
import { asReals, isWhole } from "./as-reals.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, defineOp, type OpCase, wave } from "./define.ts";
import { eachPosition } from "./window.ts";

/** An equation with its ellipses spelled out: a label for each axis of each operand, and of the output. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  /** The size that goes with each label. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Throws RangeError with what is wrong with the equation or does not fit the operands. */
export function parseEquation(text: string, shapes: readonly Shape[]): Equation {
  const [left, right] = text.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== shapes.length) throw new RangeError(`the equation "${text}" is for ${terms.length} operands, not ${shapes.length}`);
  const labelsOf = (term: string, rank: number): string[] => {
    const [head, tail, more] = term.split("...");
    if (more !== undefined || !/^[A-Za-z]*$/.test(head + (tail ?? ""))) throw new RangeError(`"${term}" in the equation cannot be read`);
    const hidden = tail === undefined ? 0 : rank - head.length - tail.length;
    if (hidden < 0) throw new RangeError(`"${term}" in the equation does not fit an operand of rank ${rank}`);
    return [...head, ...Array.from({ length: hidden }, (_, i) => `.${hidden - i}`), ...(tail ?? "")];
  };
  const sizes = new Map<string, number>();
  const operands = terms.map((term, i) => {
    const labels = labelsOf(term, shapes[i].length);
    if (labels.length !== shapes[i].length)
      throw new RangeError(`"${term}" in the equation does not fit an operand of rank ${shapes[i].length}`);
    labels.forEach((label, axis) => {
      const [known, size] = [sizes.get(label) ?? 1, shapes[i][axis]];
      if (known !== 1 && size !== 1 && known !== size) throw new RangeError(`label ${label} of "${text}" has sizes ${known} and ${size}`);
      sizes.set(label, known === 1 ? size : known);
    });
    return labels;
  });
  const hidden = [...sizes.keys()].filter((label) => label.startsWith(".")).sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  const all = operands.flat();
  const once = [...new Set(all)].filter((label) => !label.startsWith(".") && all.indexOf(label) === all.lastIndexOf(label)).sort();
  const output =
    right === undefined
      ? [...hidden, ...once]
      : labelsOf(right, right.includes("...") ? right.replace("...", "").length + hidden.length : right.length);
  const strange = output.filter((label, i) => !sizes.has(label) || output.indexOf(label) !== i);
  if (strange.length) throw new RangeError(`the output of "${text}" has ${strange.join(", ")} twice, or no operand has it`);
  return { operands, output, sizes };
}

const equationOf = (text: unknown, inputs: readonly (TensorType | undefined)[]): Equation =>
  parseEquation(
    text as string,
    inputs.map((x) => x!.shape),
  );

/** Sums of products over named axes. */
export const Einsum = defineOp({
  attrs: { equation: attr.required(attr.string()) },
  arity: [1, Number.POSITIVE_INFINITY],
  tolerance: 1e-5,
  infer: ({ node, inputs }) => {
    const { output, sizes } = equationOf(node.attrs.equation, inputs);
    return [{ dtype: inputs[0]!.dtype, shape: output.map((label) => sizes.get(label)!) }];
  },
  eval: ({ node, inputs }) => {
    const { operands, output, sizes } = equationOf(node.attrs.equation, inputs);
    const summed = [...sizes.keys()].filter((label) => !output.includes(label));
    const labels = [...output, ...summed];
    const steps = operands.map((own, i) => {
      const strides = stridesOf(inputs[i]!.shape).map((stride, axis) => (inputs[i]!.shape[axis] === 1 ? 0 : stride));
      return labels.map((label) => own.reduce((step, other, axis) => step + (other === label ? strides[axis] : 0), 0));
    });
    const shape = output.map((label) => sizes.get(label)!);
    const sums = new Float64Array(elementCount(shape));
    const inner = elementCount(summed.map((label) => sizes.get(label)!));
    eachPosition(
      labels.map((label) => sizes.get(label)!),
      (position, index) => {
        const product = steps.reduce((p, step, i) => p * inputs[i]!.data[step.reduce((at, s, k) => at + s * position[k], 0)], 1);
        sums[Math.floor(index / inner)] += product;
      },
    );
    return [tensor(inputs[0]!.dtype, sums, shape)];
  },
  macs: (node, inputs) => elementCount([...equationOf(node.attrs.equation, inputs).sizes.values()]),
  decompose: takeApart,
  cases: casesOf(),
});

/** A value and the label of each of its axes, no label twice. */
interface Operand {
  readonly value: string;
  readonly labels: readonly string[];
}

/**
 * From left to right, two operands at a time: sums that concern one operand first, then one batched matrix product.
 */
function takeApart(parts: Decomposition): void {
  const { inputs, outputs, attrs } = parts.node;
  if (isWhole(parts.type(inputs[0]))) {
    asReals(parts);
    return;
  }
  const { operands, output } = equationOf(
    attrs.equation,
    inputs.map((name) => parts.type(name)),
  );
  const prepared = operands.map((labels, i) => withoutOnes(parts, diagonal(parts, { value: inputs[i], labels })));
  let result = prepared[0];
  prepared.slice(1).forEach((next, i) => {
    const later = new Set([...output, ...prepared.slice(i + 2).flatMap((operand) => operand.labels)]);
    result = product(
      parts,
      summed(parts, result, new Set([...later, ...next.labels])),
      summed(parts, next, new Set([...later, ...result.labels])),
      later,
    );
  });
  result = summed(parts, result, new Set(output));
  const present = output.filter((label) => result.labels.includes(label));
  const ordered = ordering(parts, result, present);
  reshaped(parts, ordered.value, parts.type(outputs[0]).shape, outputs);
}

/** The diagonal over axes with the same label: in the flat order of two equal axes its elements are n + 1 apart. */
function diagonal(parts: Decomposition, operand: Operand): Operand {
  const twice = operand.labels.find((label, i) => operand.labels.indexOf(label) !== i);
  if (twice === undefined) return operand;
  const [first, second] = [operand.labels.indexOf(twice), operand.labels.lastIndexOf(twice)];
  const { shape } = parts.type(operand.value);
  const others = shape.map((_, axis) => axis).filter((axis) => axis !== first && axis !== second);
  if (shape[first] !== shape[second]) throw new RangeError(`label ${twice} has sizes ${shape[first]} and ${shape[second]} in one operand`);
  const n = shape[first];
  const moved = parts.add("Transpose", [operand.value], { perm: [...others, first, second] });
  const flat = reshaped(parts, moved, [...others.map((axis) => shape[axis]), n * n]);
  const step = [[0], [n * n], [others.length], [n + 1]].map((list) => parts.value(i64(list)));
  const value = parts.add("Slice", [flat, ...step]);
  return diagonal(parts, { value, labels: [...others.map((axis) => operand.labels[axis]), twice] });
}

/** Axes of 1 stretch to whatever others have, so they need not be named. */
function withoutOnes(parts: Decomposition, { value, labels }: Operand): Operand {
  const { shape } = parts.type(value);
  if (!shape.includes(1)) return { value, labels };
  const kept = shape.filter((d) => d !== 1);
  return { value: reshaped(parts, value, kept), labels: labels.filter((_, axis) => shape[axis] !== 1) };
}

/** Sums over the axes that nobody needs any more. */
function summed(parts: Decomposition, { value, labels }: Operand, needed: ReadonlySet<string>): Operand {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return { value: parts.add("ReduceSum", [value], { axes, keepdims: 0 }), labels: labels.filter((label) => needed.has(label)) };
}

function ordering(parts: Decomposition, { value, labels }: Operand, order: readonly string[]): Operand {
  const perm = order.map((label) => labels.indexOf(label));
  return perm.every((axis, i) => axis === i) ? { value, labels } : { value: parts.add("Transpose", [value], { perm }), labels: order };
}

/** The product of two operands, summed over the labels that only they have. */
function product(parts: Decomposition, a: Operand, b: Operand, later: ReadonlySet<string>): Operand {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const inner = shared.filter((label) => !later.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const sizes = new Map([a, b].flatMap(({ value, labels }) => labels.map((label, i) => [label, parts.type(value).shape[i]] as const)));
  const shapeOf = (labels: readonly string[]) => labels.map((label) => sizes.get(label)!);
  const count = (labels: readonly string[]) => elementCount(shapeOf(labels));
  const labels = [...batch, ...rows, ...columns];

  const left = ordering(parts, a, [...batch, ...rows, ...inner]).value;
  if (inner.length === 0) {
    const right = ordering(parts, b, [...batch, ...columns]).value;
    const spread = reshaped(parts, left, [count(batch), count(rows), 1]);
    const across = reshaped(parts, right, [count(batch), 1, count(columns)]);
    return { value: reshaped(parts, parts.add("Mul", [spread, across]), shapeOf(labels)), labels };
  }
  const right = ordering(parts, b, [...batch, ...inner, ...columns]).value;
  const value = parts.add("MatMul", [
    reshaped(parts, left, [...shapeOf(batch), count(rows), count(inner)]),
    reshaped(parts, right, [...shapeOf(batch), count(inner), count(columns)]),
  ]);
  return { value: reshaped(parts, value, shapeOf(labels)), labels };
}

function casesOf(): OpCase[] {
  const rows: readonly (readonly [equation: string, ...shapes: Shape[]])[] = [
    ["ij->ji", [3, 4]],
    ["ij->", [3, 4]],
    ["ii->i", [4, 4]],
    ["...ii->...i", [2, 4, 4]],
    ["ii", [3, 3]],
    ["ij,jk", [3, 4], [4, 5]],
    ["bhqd,bhkd->bhqk", [2, 3, 4, 5], [2, 3, 6, 5]],
    ["bqhd,bkhd->bhqk", [2, 4, 3, 5], [2, 6, 3, 5]],
    ["i,j->ij", [3], [4]],
    ["i,i", [5], [5]],
    ["ij,ij->ij", [3, 4], [3, 4]],
    ["...ij,...jk->...ik", [2, 1, 3, 4], [5, 4, 6]],
    ["ab,cbd,ce->ade", [2, 3], [4, 3, 5], [4, 6]],
    ["ij,kj->i", [3, 4], [5, 4]],
    ["bij,jk->kbi", [2, 3, 4], [4, 5]],
    ["iij,jik->ki", [3, 3, 2], [2, 3, 4]],
  ];
  const reals = rows.map(([equation, ...shapes]) => ({
    name: equation,
    inputs: shapes.map((shape, i): Tensor => wave(shape, i + 1)),
    attrs: { equation },
  }));
  const integers = [tensor("i32", [1, -2, 3, 4, 5, -6], [2, 3]), tensor("i32", [7, 8, 9, -10, 11, 12], [3, 2])];
  return [...reals, { name: "integers", inputs: integers, attrs: { equation: "ij,jk->ik" } }];
}
