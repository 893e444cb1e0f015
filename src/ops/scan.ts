import type { Node } from "../graph/graph.ts";
import { elementCount, f32, i64, normalizeAxis, type Tensor, type TensorType, withShape, zeros } from "../tensor/index.ts";
import { attr, type Body, type Decomposition, defineOp, type InferContext, type RawNode, wave } from "./define.ts";
import { exampleGraph } from "./example-graph.ts";
import { lowerIteration } from "./iterate.ts";
import { CAPTURES, checkCounts, checkState, graphOf } from "./subgraph.ts";

const ints = (node: Pick<Node, "attrs">, name: string, count: number): readonly number[] => {
  const given = (node.attrs[name] as readonly number[] | undefined) ?? new Array<number>(count).fill(0);
  if (given.length !== count) throw new RangeError(`${name} has ${given.length} elements, not ${count}`);
  return given;
};

/** Inputs and outputs by what they are: values that go from one iteration to the next, those that are taken apart or stacked, captures. */
function partsOf(node: Node) {
  const body = graphOf(node, "body");
  const scans = node.attrs.num_scan_inputs as number;
  const states = node.inputs.length - (node.attrs.captures as number) - scans;
  if (states < 0 || scans < 1) throw new RangeError(`num_scan_inputs is ${scans}, of ${node.inputs.length} inputs`);
  const stacks = node.outputs.length - states;
  return {
    body,
    states,
    scans,
    state: node.inputs.slice(0, states),
    scanned: node.inputs.slice(states, states + scans),
    captures: node.inputs.slice(states + scans),
    inAxes: ints(node, "scan_input_axes", scans),
    inReversed: ints(node, "scan_input_directions", scans).map((d) => d === 1),
    outAxes: ints(node, "scan_output_axes", stacks),
    outReversed: ints(node, "scan_output_directions", stacks).map((d) => d === 1),
  };
}

/** The length of the axes that are stepped along. */
function lengthOf(node: Node, inputs: readonly (TensorType | undefined)[]): number {
  const { states, inAxes } = partsOf(node);
  const lengths = inAxes.map((axis, i) => {
    const { shape } = inputs[states + i]!;
    if (shape.length === 0) throw new RangeError("a scalar cannot be stepped through");
    return shape[normalizeAxis(axis, shape.length)];
  });
  if (lengths.some((length) => length !== lengths[0])) throw new RangeError(`its inputs have ${lengths} steps`);
  return lengths[0];
}

function bodyOf({ node, inputs, constant }: InferContext): Body {
  const { body, states, scans, inAxes } = partsOf(node);
  checkCounts(body, inputs.length, node.outputs.length);
  const given = inputs.map((type, i) => {
    if (i < states) return { type: type! };
    if (i >= states + scans) return { type: type!, value: constant(i) };
    const axis = normalizeAxis(inAxes[i - states], type!.shape.length);
    return { type: withShape(type!, type!.shape.toSpliced(axis, 1)) };
  });
  return { attr: "body", graph: body, inputs: given };
}

/** A body that runs once for each step along an axis of its scan inputs, and carries values from one step to the next. */
export const Scan = defineOp({
  attrs: {
    body: attr.required(attr.graph()),
    num_scan_inputs: attr.required(attr.int()),
    scan_input_axes: attr.ints(),
    scan_input_directions: attr.ints(),
    scan_output_axes: attr.ints(),
    scan_output_directions: attr.ints(),
    ...CAPTURES,
  },
  arity: [1, Number.POSITIVE_INFINITY],
  variadicOutputs: true,
  tolerance: "exact",
  bodies: (ctx) => [bodyOf(ctx)],
  infer: (ctx, subgraphs) => {
    const body = bodyOf(ctx);
    const { states, outAxes } = partsOf(ctx.node);
    const outputs = subgraphs.infer(body).map(({ type }) => type);
    const state = outputs.slice(0, states);
    checkState(
      body.inputs.slice(0, states).map(({ type }) => type),
      state,
    );
    const length = lengthOf(ctx.node, ctx.inputs);
    return [
      ...state,
      ...outputs.slice(states).map((type, i) => {
        const axis = normalizeAxis(outAxes[i], type.shape.length + 1);
        return withShape(type, type.shape.toSpliced(axis, 0, length));
      }),
    ];
  },
  eval: ({ node, inputs }, subgraphs) => {
    const parts = partsOf(node);
    const { states, scans } = parts;
    const length = lengthOf(node, inputs);
    let state = inputs.slice(0, states) as Tensor[];
    const captures = inputs.slice(states + scans) as Tensor[];
    const outputs = Scan.infer({ node, inputs, constant: (i) => inputs[i] }, subgraphs)
      .slice(states)
      .map(zeros);
    const at = (step: number, reversed: boolean): number => (reversed ? length - 1 - step : step);
    for (let step = 0; step < length; step++) {
      const slices = parts.inAxes.map((axis, i) => sliceOf(inputs[states + i]!, axis, at(step, parts.inReversed[i])));
      const results = subgraphs.evaluate(parts.body, [...state, ...slices, ...captures]);
      state = results.slice(0, states);
      outputs.forEach((output, k) => {
        eachOfSlice(output.shape, parts.outAxes[k], at(step, parts.outReversed[k]), (i, from) => {
          output.data[i] = results[states + k].data[from];
        });
      });
    }
    return [...state, ...outputs];
  },
  inline: (ctx) => {
    const parts = partsOf(ctx.node);
    const { states, body } = parts;
    const length = lengthOf(ctx.node, ctx.inputs);
    if (length === 0 || !ctx.fits(body, length, false)) return false;
    let current: readonly string[] = parts.state;
    const stacks: string[][] = parts.outAxes.map(() => []);
    for (let step = 0; step < length; step++) {
      const slices = parts.scanned.map((name, i) =>
        ctx.add("Gather", [name, ctx.value(i64([parts.inReversed[i] ? length - 1 - step : step], []))], { axis: parts.inAxes[i] }),
      );
      const results = ctx.body(body, [...current, ...slices, ...parts.captures]);
      current = results.slice(0, states);
      stacks.forEach((stack, k) => {
        const slice = ctx.add("Unsqueeze", [results[states + k], ctx.value(i64([parts.outAxes[k]]))]);
        if (parts.outReversed[k]) stack.unshift(slice);
        else stack.push(slice);
      });
    }
    ctx.node.outputs.forEach((output, i) => {
      if (i < states) ctx.add("Identity", [current[i]], {}, [output]);
      else ctx.add("Concat", stacks[i - states], { axis: parts.outAxes[i - states] }, [output]);
    });
    return true;
  },
  decompose: stepAlongFirst,
  lower: (ctx) => {
    const { node } = ctx;
    const parts = partsOf(node);
    const length = lengthOf(
      node,
      node.inputs.map((name) => ctx.type(name)),
    );
    lowerIteration(ctx, {
      body: parts.body,
      limit: ctx.image(Int32Array.of(length)),
      most: length,
      condition: "always",
      formals: "none",
      state: parts.state,
      scanned: parts.scanned.map((value, i) => ({ value, length, reversed: parts.inReversed[i] })),
      captures: parts.captures,
      reversed: parts.outReversed,
    });
  },
  upgrade: (node, ctx) => (ctx.opset < 9 ? [scanBatches(node)] : [node]),
  cases: [
    {
      name: "running sum, unrolled",
      inputs: [wave([2]), wave([3, 2], 2)],
      attrs: { num_scan_inputs: 1, body: exampleGraph(["s", "x"], [["Add", "s x", "t"]], "t t") },
      outputs: 2,
    },
    {
      name: "many steps, both ways, with a capture",
      inputs: [wave([2]), wave([150, 2], 2), wave([150, 3], 3), wave([3], 4)],
      attrs: {
        num_scan_inputs: 2,
        captures: 1,
        scan_input_directions: [1, 0],
        scan_output_directions: [0, 1],
        body: exampleGraph(
          ["s", "x", "y", "c"],
          [
            ["Mul", "y c", "p"],
            ["Mul", "s half", "h"],
            ["Add", "h x", "t"],
          ],
          "t t p",
          {
            half: f32([0.5]),
          },
        ),
      },
      outputs: 3,
    },
    {
      name: "along inner axes",
      inputs: [wave([2]), wave([2, 140], 2)],
      attrs: {
        num_scan_inputs: 1,
        scan_input_axes: [1],
        scan_output_axes: [-1],
        body: exampleGraph(["s", "x"], [["Sub", "x s", "t"]], "t t"),
      },
      outputs: 2,
    },
  ],
});

/** Axes other than the first are brought there by a Transpose, and back. */
function stepAlongFirst({ node, type, add, fresh }: Decomposition): void {
  const parts = partsOf(node);
  if ([...parts.inAxes, ...parts.outAxes].every((axis) => axis === 0)) return;
  const toFront = (rank: number, axis: number) => [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
  const scanned = parts.scanned.map((name, i) => {
    const { shape } = type(name);
    const axis = normalizeAxis(parts.inAxes[i], shape.length);
    return axis === 0 ? name : add("Transpose", [name], { perm: toFront(shape.length, axis) });
  });
  const stacks = node.outputs.slice(parts.states);
  const axes = stacks.map((name, i) => normalizeAxis(parts.outAxes[i], type(name).shape.length));
  const outputs = stacks.map((name, i) => (axes[i] === 0 ? name : fresh(`${name}_steps`)));
  const attrs = { ...node.attrs, scan_input_axes: undefined, scan_output_axes: undefined };
  add("Scan", [...parts.state, ...scanned, ...parts.captures], attrs, [...node.outputs.slice(0, parts.states), ...outputs]);
  stacks.forEach((name, i) => {
    if (axes[i] === 0) return;
    const front = toFront(type(name).shape.length, axes[i]);
    add("Transpose", [outputs[i]], { perm: front.map((_, k) => front.indexOf(k)) }, [name]);
  });
}

/** Opset 8 ran a Scan over each element of a batch: a Scan over the batch, whose body is the Scan of today. */
function scanBatches(node: RawNode): RawNode {
  const [lengths, ...inputs] = node.inputs;
  if (lengths) throw new RangeError("sequences of different lengths are not supported");
  const { directions, body, captures, ...rest } = node.attrs;
  const inner = body as ReturnType<typeof graphOf>;
  const kept = (captures as number | undefined) ?? 0;
  const formals = inner.inputs.slice(0, inputs.length);
  const attrs = { ...rest, body: inner, captures: kept, scan_input_directions: directions };
  const step = {
    op: "Scan",
    name: `${node.name}.steps`,
    inputs: formals,
    outputs: inner.outputs.map((_, i) => `${node.name}.output${i}`),
    attrs: { ...Object.fromEntries(Object.entries(Scan.attrs).map(([key, spec]) => [key, spec.default])), ...attrs },
  };
  const each = { name: inner.name, inputs: formals, outputs: step.outputs, nodes: [step], constants: new Map(), types: new Map() };
  return { ...node, inputs, attrs: { body: each, captures: kept, num_scan_inputs: inputs.length - kept } };
}

/** Walks one slice across `axis` in order, giving each element's place in the whole and in the slice. */
function eachOfSlice(shape: readonly number[], axis: number, index: number, visit: (whole: number, slice: number) => void): void {
  const at = normalizeAxis(axis, shape.length);
  const inner = elementCount(shape.slice(at + 1));
  const count = elementCount(shape.toSpliced(at, 1));
  for (let i = 0; i < count; i++) visit((Math.floor(i / inner) * shape[at] + index) * inner + (i % inner), i);
}

function sliceOf(x: Tensor, axis: number, index: number): Tensor {
  const out = zeros(withShape(x, x.shape.toSpliced(normalizeAxis(axis, x.shape.length), 1)));
  eachOfSlice(x.shape, axis, index, (from, to) => {
    out.data[to] = x.data[from];
  });
  return out;
}
