/** Where an inference spends its time: the plan run record by record from outside, by the kernels that the module exports under their op codes. */
import { Header, Op } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import type { Epk } from "../format/index.ts";
import { instantiate, type WasmSource } from "../run/wasm.ts";

export interface RecordTime {
  readonly op: Op;
  /** The record's words, its header included. */
  readonly words: Int32Array;
  /** How often the last inference ran it: 1, unless the plan branches or loops. */
  readonly runs: number;
  /** Milliseconds of an inference that it took, all its runs together: median over the inferences measured. */
  readonly ms: number;
}

export interface Profile {
  /** In the order in which they lie in the plan. */
  readonly records: readonly RecordTime[];
  /** Milliseconds of a whole inference in one call, without copying inputs and outputs: median, measured in turn with the records. */
  readonly ms: number;
}

export interface ProfileOptions {
  readonly wasm?: WasmSource;
  /** Milliseconds to warm up and then to measure; 1500 each by default. */
  readonly duration?: number;
}

type Kernel = (record: number, next: number) => number | undefined;

const PAGE = 65536;
/** The kernels of these give the address of the record that follows. */
const JUMPS: ReadonlySet<Op> = new Set([Op.jump, Op.jump_if, Op.jump_below]);

/**
 * Profiles a pack that `readEpk` has read. f32 inputs get numbers between −1 and 1, others zeros. Records of less than a microsecond are
 * measured with the noise of the clock. Throws WASM_UNAVAILABLE, EPK_VERSION where the module lacks a kernel, LIMIT where memory cannot be had.
 */
export async function profile({ meta, image }: Pick<Epk, "meta" | "image">, options: ProfileOptions = {}): Promise<Profile> {
  const kernels = await instantiate(options.wasm);
  const { memory } = kernels;
  const pages = Math.ceil((meta.memory - memory.buffer.byteLength) / PAGE);
  try {
    if (pages > 0) memory.grow(pages);
  } catch (cause) {
    throw new EdgepackError("LIMIT", `The engine does not give the model's ${meta.memory} bytes of memory.`, [], { cause });
  }
  // What lies below the plan is the module's own.
  new Uint8Array(memory.buffer).set(image.subarray(meta.plan), meta.plan);
  const inputs = meta.inputs.flatMap(({ dtype, shape, at }) => {
    const n = shape.reduce((product, size) => product * size, 1);
    return dtype === "f32"
      ? [{ to: new Float32Array(memory.buffer, at, n), values: Float32Array.from({ length: n }, (_, i) => Math.sin(i)) }]
      : [];
  });
  /** Before each inference: its memory is used for other values once it was read. */
  const writeInputs = (): void => {
    for (const { to, values } of inputs) to.set(values);
  };

  const records = recordsOf(memory.buffer, meta.plan, kernels as unknown as Record<string, Kernel>);
  const whole: number[] = [];
  const inference = (samples?: number[]): void => {
    writeInputs();
    const start = performance.now();
    kernels.run(meta.plan);
    samples?.push(performance.now() - start);
    writeInputs();
    step(records, meta.plan, samples !== undefined);
  };
  const duration = options.duration ?? 1500;
  for (const samples of [undefined, whole]) {
    const end = performance.now() + duration;
    do inference(samples);
    while (performance.now() < end);
  }
  const clock = clockCost();
  return {
    records: [...records.values()].map(({ op, words, runs, samples }) => ({
      op,
      words,
      runs,
      ms: Math.max(0, median(samples) - clock * runs),
    })),
    ms: median(whole),
  };
}

interface Running {
  readonly op: Op;
  readonly words: Int32Array;
  readonly next: number;
  readonly kernel: Kernel;
  readonly samples: number[];
  runs: number;
  ms: number;
}

function recordsOf(memory: ArrayBuffer, plan: number, kernels: Readonly<Record<string, Kernel>>): Map<number, Running> {
  const records = new Map<number, Running>();
  const all = new Int32Array(memory);
  for (let at = plan; all[at / 4 + Header.op] !== Op.end; ) {
    const op = all[at / 4 + Header.op];
    const words = all.slice(at / 4, at / 4 + all[at / 4 + Header.words]);
    const kernel = kernels[op];
    if (!kernel || words.length <= Header.words)
      throw new EdgepackError("EPK_VERSION", `This wasm module has no kernel for op ${Op[op] ?? op} of the model.`);
    const next = at + 4 * words.length;
    records.set(at, { op, words, next, kernel, samples: [], runs: 0, ms: 0 });
    at = next;
  }
  return records;
}

/** One inference, record by record. */
function step(records: ReadonlyMap<number, Running>, plan: number, keep: boolean): void {
  for (const record of records.values()) record.runs = record.ms = 0;
  for (let at = plan, record = records.get(at); record; record = records.get(at)) {
    const start = performance.now();
    const next = record.kernel(at, record.next);
    record.ms += performance.now() - start;
    record.runs++;
    at = JUMPS.has(record.op) ? next! : record.next;
  }
  if (keep) for (const { samples, ms } of records.values()) samples.push(ms);
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

/** What reading the clock twice adds to a measurement. */
function clockCost(): number {
  return median(Array.from({ length: 999 }, () => -performance.now() + performance.now()));
}
