import { EdgepackError } from "../errors.ts";
import type { InputPort, Meta, OutputPort, Port } from "../format/image.ts";
import { elementsOf, PORT_ARRAYS } from "../format/meta.ts";
import { bytesPerPixel, writePixels } from "./pixels.ts";
import { tagOf } from "./source.ts";
import type { Kernels } from "./wasm.ts";

export type TypedArray = Float32Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array;
export type Values = Record<string, TypedArray>;

/** What `run` takes or gives under a name; `preprocess` on inputs that take raw pixels as well. */
export type InputInfo = Omit<InputPort, "at">;
/** `bound` is an axis along which data decide how much there is: `shape` has the most there can be, results have what there is. */
export type OutputInfo = Omit<OutputPort, "at" | "length">;

/** A port and its place in memory. */
interface Slot<P extends Port> {
  readonly port: P;
  readonly view: TypedArray;
  /** Of a bounded output: how much of it there is. */
  readonly length?: Int32Array;
}

/** A loaded model. It owns a wasm instance, which is garbage once the model is. */
export class Model {
  readonly name: string;
  readonly inputs: readonly InputInfo[];
  readonly outputs: readonly OutputInfo[];
  readonly labels?: readonly string[];
  /** Bytes of wasm memory in all, of constants in it, and of activations and scratch. */
  readonly memory: { readonly bytes: number; readonly image: number; readonly arena: number };
  #kernels?: Kernels;
  readonly #plan: number;
  #sources: readonly Slot<InputPort>[];
  #results: readonly Slot<OutputPort>[];

  constructor(meta: Meta, kernels: Kernels) {
    const { buffer } = kernels.memory;
    const slot = <P extends OutputPort>(port: P): Slot<P> => ({
      port,
      view: new PORT_ARRAYS[port.dtype](buffer, port.at, elementsOf(port.shape)),
      length: port.length ? new Int32Array(buffer, port.length, 1) : undefined,
    });
    const info = <P extends OutputPort>({ at, length, ...rest }: P): Omit<P, "at" | "length"> => rest;
    this.name = meta.name;
    this.labels = meta.labels;
    this.inputs = meta.inputs.map(info);
    this.outputs = meta.outputs.map(info);
    this.memory = { bytes: buffer.byteLength, image: meta.image, arena: meta.memory - meta.image };
    this.#kernels = kernels;
    this.#plan = meta.plan;
    this.#sources = meta.inputs.map(slot);
    this.#results = meta.outputs.map(slot);
  }

  /**
   * One inference. `inputs` has an array of the port's dtype and element count for each input; one that has `preprocess` takes raw bytes too:
   * height × width × channels, or × 4 as a canvas gives them (alpha is dropped; a model of one channel gets the luma).
   * The results are copies, written into `outputs` where it has arrays for them; of a bounded output what there is, in a part of the array. Throws INPUT_INVALID with all that is wrong at once.
   */
  run(inputs: Values, outputs: Values = {}): Values {
    if (!this.#kernels) throw new EdgepackError("INPUT_INVALID", "This model is disposed.");
    if (!inputs || !outputs) throw new EdgepackError("INPUT_INVALID", "run takes arrays by name.");
    // Maps, so that any name can be a port's.
    const given = new Map(Object.entries(inputs));
    const into = new Map(Object.entries(outputs));
    const problems = [...unknown("input", this.#sources, given), ...unknown("output", this.#results, into)];
    for (const { port, view } of this.#sources) {
      const value = given.get(port.name);
      if (!bytesPerPixel(port, value)) problems.push(...misfit(port, view, value));
    }
    for (const { port, view } of this.#results) {
      const value = into.get(port.name);
      if (value !== undefined) problems.push(...misfit(port, view, value));
    }
    if (problems.length) throw new EdgepackError("INPUT_INVALID", `${this.name} cannot run on this:`, problems);

    for (const { port, view } of this.#sources) {
      const value = given.get(port.name)!;
      if (bytesPerPixel(port, value)) writePixels(port, value as Uint8Array, view as Float32Array);
      else view.set(value);
    }
    try {
      this.#kernels.run(this.#plan);
    } catch (cause) {
      throw new EdgepackError(
        "EPK_INVALID",
        `${this.name} stopped: ${(cause as Error).message}. An index in its inputs points outside, or the pack is damaged.`,
        [],
        { cause },
      );
    }
    const results: Values = Object.create(null);
    for (const slot of this.#results) {
      const { name } = slot.port;
      const array = into.get(name);
      const values = present(slot);
      array?.set(values);
      results[name] = array ? (slot.length ? array.subarray(0, values.length) : array) : values.slice();
    }
    return results;
  }

  /** Lets go of the memory; `run` throws from then on. */
  dispose(): void {
    this.#kernels = undefined;
    this.#sources = this.#results = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What there is of an output; rows of a bounded one lie as far apart as if all were there. */
function present({ port: { shape, bound }, view, length }: Slot<OutputPort>): TypedArray {
  if (!length) return view;
  const inner = elementsOf(shape.slice(bound! + 1));
  const [there, row] = [length[0] * inner, shape[bound!] * inner];
  return view.filter((_, i) => i % row < there);
}

function unknown(what: string, slots: readonly Slot<Port>[], values: ReadonlyMap<string, unknown>): string[] {
  const names = slots.map(({ port }) => port.name);
  return [...values.keys()].filter((name) => !names.includes(name)).map((name) => `no ${what} "${name}"; there is "${names.join('", "')}"`);
}

function misfit(port: InputPort, view: TypedArray, value: unknown): string[] {
  const [type, got] = [tagOf(view), tagOf(value)];
  const length = ArrayBuffer.isView(value) && (value as TypedArray).length;
  if (length === view.length && got.replace("Clamped", "") === type) return [];
  const raw = port.preprocess ? ", or raw bytes, height × width × channels or 4" : "";
  return [
    `"${port.name}" takes ${type} of ${view.length} for [${port.shape}]${raw}; got ${value === undefined ? "nothing" : `${got} of ${length || 0}`}`,
  ];
}
