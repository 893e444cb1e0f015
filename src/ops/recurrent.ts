/** What RNN, GRU and LSTM share: attributes, shapes, directions, the walk along the sequence, and that walk as one product and a Scan. */
import type { Graph, Node } from "../graph/graph.ts";
import { i64, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { attr, type Decomposition, defineOp, type InferContext, type OpCase, type OpDef, wave } from "./define.ts";
import { makeNode } from "./node.ts";
import { type Activation, activationsOf } from "./recurrent-activation.ts";

type Attrs = OpDef["attrs"];

/** Writes nodes of the body of a Scan. */
export interface StepWriter {
  readonly attrs: Node["attrs"];
  readonly activations: readonly Activation[];
  readonly hidden: number;
  /** What the input gives to each gate, biases included as far as the cell adds them there: [batch, gates · hidden]. */
  readonly input: string;
  /** State before the step, [batch, hidden] each; the first is the output. */
  readonly state: readonly string[];
  /** Recurrent weights [hidden, gates · hidden], recurrent biases [gates · hidden] where the cell wants them apart, peepholes [3 · hidden]. */
  readonly recurrent: string;
  readonly bias?: string;
  readonly peepholes?: string;
  add(op: string, inputs: readonly string[], attrs?: Node["attrs"]): string;
  /** Parts of `lengths` along the last axis. */
  split(value: string, lengths: readonly number[]): readonly string[];
  number(value: number): string;
  /** Applies activation number `index`. */
  activate(value: string, index: number): string;
  /** Clips the input of a gate first, where the node asks for it. */
  gate(value: string, index: number): string;
}

/** One step for one element of the batch, in numbers. */
export interface StepValues {
  readonly attrs: Node["attrs"];
  readonly hidden: number;
  readonly state: readonly Float32Array[];
  readonly peepholes?: Float32Array;
  /** What the input gives to element j of a gate, its bias included. */
  input(gate: number, j: number): number;
  /** What vector `h` gives to it, its bias included. */
  recurrent(gate: number, j: number, h: Float32Array): number;
  activate(value: number, index: number): number;
  gate(value: number, index: number): number;
}

interface Cell {
  readonly gates: number;
  readonly states: 1 | 2;
  /** Default activations of one direction. */
  readonly activations: readonly string[];
  readonly attrs: Attrs;
  /** Position of `P` among the inputs, where the cell has peepholes. */
  readonly peepholes?: number;
  /** Whether recurrent biases are not simply added to the input's. */
  biasApart?(attrs: Node["attrs"]): boolean;
  write(step: StepWriter): readonly string[];
  eval(step: StepValues): readonly Float32Array[];
  readonly cases: readonly OpCase[];
}

const DIRECTIONS: Readonly<Record<string, readonly boolean[]>> = { forward: [false], reverse: [true], bidirectional: [false, true] };

interface Sizes {
  readonly length: number;
  readonly batch: number;
  readonly hidden: number;
  readonly input: number;
  /** For each direction, whether it goes back. */
  readonly reversed: readonly boolean[];
  readonly batchFirst: boolean;
}

const FORMAL_INPUTS = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];

function sizesOf(cell: Cell, node: Node, inputs: readonly (TensorType | undefined)[]): Sizes {
  const [x, w, r] = inputs;
  const reversed = DIRECTIONS[node.attrs.direction as string];
  if (!reversed) throw new RangeError(`direction ${node.attrs.direction} is not known`);
  const batchFirst = node.attrs.layout === 1;
  if (x!.shape.length !== 3) throw new RangeError(`X has ${x!.shape.length} dimensions, not 3`);
  const [length, batch] = batchFirst ? [x!.shape[1], x!.shape[0]] : x!.shape;
  const input = x!.shape[2];
  const hidden = r!.shape[2];
  const given = node.attrs.hidden_size as number | undefined;
  if (given !== undefined && given !== hidden) throw new RangeError(`hidden_size is ${given}, and R has ${hidden}`);
  const [d, n] = [reversed.length, cell.gates * hidden];
  const state = batchFirst ? [batch, d, hidden] : [d, batch, hidden];
  const wanted = [x!.shape, [d, n, input], [d, n, hidden], [d, 2 * n], [batch], state, state, [d, 3 * hidden]];
  inputs.forEach((type, i) => {
    if (type && String(type.shape) !== String(wanted[i]))
      throw new RangeError(`${FORMAL_INPUTS[i]} is [${type.shape}], and should be [${wanted[i]}]`);
    if (type && i !== 4 && type.dtype !== "f32") throw new RangeError(`${FORMAL_INPUTS[i]} is ${type.dtype}, not f32`);
  });
  if (w!.shape[1] !== n) throw new RangeError(`W has ${w!.shape[1]} rows, not ${n}`);
  return { length, batch, hidden, input, reversed, batchFirst };
}

function infer(cell: Cell, { node, inputs }: InferContext): TensorType[] {
  const { length, batch, hidden, reversed, batchFirst } = sizesOf(cell, node, inputs);
  activationsOf(node.attrs, cell.activations, reversed.length);
  const d = reversed.length;
  const sequence = batchFirst ? [batch, length, d, hidden] : [length, d, batch, hidden];
  const state = batchFirst ? [batch, d, hidden] : [d, batch, hidden];
  return [sequence, ...new Array<number[]>(cell.states).fill(state)].map((shape) => ({ dtype: "f32", shape }));
}

/** A recurrent operator from its cell. */
export function defineRecurrent(cell: Cell): OpDef {
  return defineOp({
    attrs: {
      direction: attr.string("forward"),
      hidden_size: attr.int(),
      layout: attr.int(0),
      clip: attr.float(),
      activations: attr.strings(),
      activation_alpha: attr.floats(),
      activation_beta: attr.floats(),
      ...cell.attrs,
    },
    arity: [3, cell.peepholes === undefined ? 6 : cell.peepholes + 1],
    tolerance: 1e-5,
    infer: (ctx) => infer(cell, ctx),
    eval: ({ node, inputs }) => evaluate(cell, node, inputs),
    decompose: (parts) => decompose(cell, parts),
    macs: (node, inputs) => {
      const { length, batch, hidden, input, reversed } = sizesOf(cell, node, inputs);
      return reversed.length * length * batch * cell.gates * hidden * (input + hidden);
    },
    cases: cell.cases,
  });
}

function evaluate(cell: Cell, node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const sizes = sizesOf(cell, node, inputs);
  const { length, batch, hidden, reversed, batchFirst, input } = sizes;
  const [x, w, r, b, lengths] = inputs;
  const [, ...types] = infer(cell, { node, inputs, constant: (i) => inputs[i] });
  const y = zeros(infer(cell, { node, inputs, constant: (i) => inputs[i] })[0]);
  const last = types.map(zeros);
  const n = cell.gates * hidden;
  const stateAt = (d: number, at: number) => (batchFirst ? at * reversed.length + d : d * batch + at) * hidden;
  const clip = node.attrs.clip as number | undefined;
  const activations = activationsOf(node.attrs, cell.activations, reversed.length);
  reversed.forEach((back, d) => {
    const activate = (value: number, index: number) => activations[d * cell.activations.length + index].apply(value);
    for (let element = 0; element < batch; element++) {
      const from = stateAt(d, element);
      let state: readonly Float32Array[] = last.map((_, k) => {
        const initial = inputs[5 + k];
        return initial ? Float32Array.from(initial.data.slice(from, from + hidden)) : new Float32Array(hidden);
      });
      const steps = Math.min(length, lengths ? lengths.data[element] : length);
      for (let step = 0; step < steps; step++) {
        const t = back ? steps - 1 - step : step;
        const row = (batchFirst ? element * length + t : t * batch + element) * input;
        state = cell.eval({
          attrs: node.attrs,
          hidden,
          state,
          peepholes: cell.peepholes === undefined ? undefined : sliceOf(inputs[cell.peepholes], d * 3 * hidden, 3 * hidden),
          input: (gate, j) => {
            const o = gate * hidden + j;
            let sum = b ? b.data[d * 2 * n + o] : 0;
            for (let i = 0; i < input; i++) sum += w!.data[(d * n + o) * input + i] * x!.data[row + i];
            return sum;
          },
          recurrent: (gate, j, h) => {
            const o = gate * hidden + j;
            let sum = b ? b.data[d * 2 * n + n + o] : 0;
            for (let i = 0; i < hidden; i++) sum += r!.data[(d * n + o) * hidden + i] * h[i];
            return sum;
          },
          activate,
          gate: (value, index) => activate(clip === undefined ? value : Math.min(Math.max(value, -clip), clip), index),
        });
        const place = batchFirst ? (element * length + t) * reversed.length + d : (t * reversed.length + d) * batch + element;
        y.data.set(state[0], place * hidden);
      }
      last.forEach((out, k) => {
        out.data.set(state[k], from);
      });
    }
  });
  return [y, ...last].slice(0, node.outputs.length);
}

const sliceOf = (x: Tensor | undefined, from: number, count: number): Float32Array | undefined =>
  x && Float32Array.from(x.data.slice(from, from + count));

/**
 * One product for what the whole sequence gives to the gates, then a Scan over the steps. Where sequences end at different steps, a mask keeps the state
 * of those that are over (or, going back, have not begun) and puts zeros out.
 */
function decompose(cell: Cell, parts: Decomposition): void {
  const { node, type, add, value, fresh } = parts;
  const sizes = sizesOf(
    cell,
    node,
    node.inputs.map((name) => (name === "" ? undefined : type(name))),
  );
  const { length, batch, hidden, reversed, batchFirst } = sizes;
  const n = cell.gates * hidden;
  const given = (i: number): string => node.inputs[i] ?? "";
  const x = batchFirst ? add("Transpose", [given(0)], { perm: [1, 0, 2] }) : given(0);
  const mask = maskOf(parts, given(4), length, batch);
  const of = (name: string, d: number, axis = 0) => add("Gather", [name, value(i64([d], []))], { axis });
  const part = (name: string, from: number, to: number) => add("Slice", [name, value(i64([from])), value(i64([to])), value(i64([0]))]);
  const apart = given(3) !== "" && cell.biasApart?.(node.attrs) === true;
  const results = reversed.map((back, d) => {
    let fromInput = add("MatMul", [x, add("Transpose", [of(given(1), d)], { perm: [1, 0] })]);
    const captures = [add("Transpose", [of(given(2), d)], { perm: [1, 0] })];
    if (given(3)) {
      const both = of(given(3), d);
      const [own, recurrent] = [part(both, 0, n), part(both, n, 2 * n)];
      fromInput = add("Add", [fromInput, apart ? own : add("Add", [own, recurrent])]);
      if (apart) captures.push(recurrent);
    }
    const peepholes = cell.peepholes !== undefined && given(cell.peepholes) !== "";
    if (peepholes) captures.push(of(given(cell.peepholes!), d));
    const states = Array.from({ length: cell.states }, (_, k) =>
      given(5 + k) ? of(given(5 + k), d, batchFirst ? 1 : 0) : value(zeros({ dtype: "f32", shape: [batch, hidden] })),
    );
    const activations = activationsOf(node.attrs, cell.activations, reversed.length).slice(d * cell.activations.length);
    const body = bodyOf(cell, { name: node.name, attrs: node.attrs, hidden, activations, masked: mask !== undefined, apart, peepholes });
    const scanned = mask ? [fromInput, mask] : [fromInput];
    const outputs = [...states.map((_, k) => fresh(`${node.name}.state${k}`)), fresh(`${node.name}.steps`)];
    const direction = Number(back);
    const attrs = {
      body,
      num_scan_inputs: scanned.length,
      captures: captures.length,
      scan_input_directions: scanned.map(() => direction),
      scan_output_directions: [direction],
    };
    add("Scan", [...states, ...scanned, ...captures], attrs, outputs);
    return outputs;
  });
  join(
    parts,
    results.map((outputs) => outputs[cell.states]),
    1,
    batchFirst ? [2, 0, 1, 3] : undefined,
    node.outputs[0],
  );
  node.outputs.slice(1).forEach((name, k) => {
    join(
      parts,
      results.map((outputs) => outputs[k]),
      batchFirst ? 1 : 0,
      undefined,
      name,
    );
  });
}

/** Directions beside each other along a new axis. */
function join(
  { add, value }: Decomposition,
  names: readonly string[],
  axis: number,
  perm: readonly number[] | undefined,
  output: string,
): void {
  const raised = (name: string, last: boolean) => add("Unsqueeze", [name, value(i64([axis]))], {}, last ? [output] : undefined);
  const single = names.length === 1;
  const parts = names.map((name) => raised(name, single && !perm));
  const joined = single ? parts[0] : add("Concat", parts, { axis }, perm ? undefined : [output]);
  if (perm) add("Transpose", [joined], { perm }, [output]);
}

/** For each step and element of the batch, [length, batch, 1], whether the step is one of the element's; undefined where all are. */
function maskOf({ add, value, constant, type }: Decomposition, lengths: string, length: number, batch: number): string | undefined {
  if (lengths === "" || constant(lengths)?.data.every((own) => own >= length)) return undefined;
  const steps = value(
    tensor(
      type(lengths).dtype,
      Array.from({ length }, (_, t) => t),
      [length, 1, 1],
    ),
  );
  return add("Less", [steps, add("Reshape", [lengths, value(i64([1, batch, 1]))])]);
}

interface BodyOptions extends Pick<StepWriter, "attrs" | "hidden" | "activations"> {
  /** Begins the names of its nodes. */
  readonly name: string;
  readonly masked: boolean;
  readonly apart: boolean;
  readonly peepholes: boolean;
}

/** The body of the Scan: states, what the input gives, the mask; then captures, in the order in which `decompose` gives them. */
function bodyOf(cell: Cell, { masked, apart, peepholes, ...options }: BodyOptions): Graph {
  const nodes: Node[] = [];
  const constants = new Map<string, Tensor>();
  const write = (op: string, inputs: readonly string[], attrs: Node["attrs"] | undefined, outputs: readonly string[]) => {
    nodes.push(makeNode({ op, name: `${options.name}/${op}_${nodes.length}`, inputs, outputs, attrs }));
    return outputs;
  };
  const constant = (value: Tensor): string => {
    const name = `constant${constants.size}`;
    constants.set(name, value);
    return name;
  };
  const add = (op: string, inputs: readonly string[], attrs?: Node["attrs"]) => write(op, inputs, attrs, [`value${nodes.length}`])[0];
  const number = (value: number) => constant(tensor("f32", [value], []));
  const state = Array.from({ length: cell.states }, (_, k) => `state${k}`);
  const clip = options.attrs.clip as number | undefined;
  const activate = (value: string, index: number) => options.activations[index].write(value, add, number);
  const results = cell.write({
    ...options,
    state,
    input: "input",
    recurrent: "recurrent",
    bias: apart ? "bias" : undefined,
    peepholes: peepholes ? "peepholes" : undefined,
    add,
    number,
    split: (value, lengths) =>
      write(
        "Split",
        [value, constant(i64(lengths))],
        { axis: -1 },
        lengths.map((_, i) => `value${nodes.length}.${i}`),
      ),
    activate,
    gate: (value, index) => activate(clip === undefined ? value : add("Clip", [value, number(-clip), number(clip)]), index),
  });
  const [after, steps] = masked
    ? [results.map((result, k) => add("Where", ["mask", result, state[k]])), add("Where", ["mask", results[0], number(0)])]
    : [results, results[0]];
  const captures = ["recurrent", ...(apart ? ["bias"] : []), ...(peepholes ? ["peepholes"] : [])];
  return {
    name: "step",
    inputs: [...state, "input", ...(masked ? ["mask"] : []), ...captures],
    outputs: [...after, steps],
    nodes,
    constants,
    types: new Map(),
  };
}

/** Sizes of a case: steps, batch, inputs and hidden elements. */
export interface CaseSizes {
  readonly length: number;
  readonly batch: number;
  readonly input: number;
  readonly hidden: number;
}

/** A case with constant weights. `more` are the inputs behind B. */
export function recurrentCase(
  name: string,
  gates: number,
  { length, batch, input, hidden }: CaseSizes,
  attrs: OpCase["attrs"] = {},
  more: readonly (Tensor | undefined)[] = [],
  outputs = 2,
): OpCase {
  const d = attrs.direction === "bidirectional" ? 2 : 1;
  const n = gates * hidden;
  const inputs = [
    wave(attrs.layout === 1 ? [batch, length, input] : [length, batch, input]),
    wave([d, n, input], 2),
    wave([d, n, hidden], 3),
    wave([d, 2 * n], 4),
    ...more,
  ];
  return { name, inputs, attrs, constants: [1, 2, 3], outputs };
}
