import { ConvField, GemmField, Header, Op } from "../../assembly/shared/plan.ts";

/** A record of a plan, in the terms of a layer. */
export interface PlanRecord {
  /** The kernel's name. */
  readonly op: string;
  /** Multiply-accumulates of one inference, and weights; 0 for records that have none. */
  readonly macs: number;
  readonly weights: number;
  /** Address of the packed weights; 0 where there are none. */
  readonly w: number;
  /** What it writes, where the record is a matrix product or a convolution: rows × columns, or height × width × channels. */
  readonly output: string;
}

type Read = (field: number) => number;
type Layer = Omit<PlanRecord, "op">;

const NONE: Layer = { macs: 0, weights: 0, w: 0, output: "" };

function gemm(at: Read): Layer {
  const [batch, m, n, k] = [GemmField.batch, GemmField.m, GemmField.n, GemmField.k].map(at);
  return {
    macs: batch * m * n * k,
    weights: n * k,
    w: at(GemmField.w),
    output: `${m}×${n}${batch > 1 ? ` (${batch} times)` : ""}`,
  };
}

function conv(at: Read, groups: number): Layer {
  const [height, width, channels] = [ConvField.out_h, ConvField.out_w, ConvField.out_c].map(at);
  const weights = channels * at(ConvField.kernel_h) * at(ConvField.kernel_w) * (at(ConvField.in_c) / groups);
  return {
    macs: at(ConvField.batch) * height * width * weights,
    weights,
    w: at(ConvField.w),
    output: `${height}×${width}×${channels}`,
  };
}

const grouped = (at: Read) => conv(at, at(ConvField.groups));
const depthwise = (at: Read) => conv(at, at(ConvField.in_c));

const LAYERS: { readonly [op: number]: (at: Read) => Layer } = {
  [Op.f32_gemm]: gemm,
  [Op.qs8_gemm]: gemm,
  [Op.f32_conv]: grouped,
  [Op.qs8_conv]: grouped,
  [Op.qs8_winograd]: grouped,
  [Op.f32_sparse_bsr]: grouped,
  [Op.f32_sparse_csr]: grouped,
  [Op.qs8_sparse_bsr]: grouped,
  [Op.qs8_sparse_csr]: grouped,
  [Op.f32_dwconv]: depthwise,
  [Op.qs8_dwconv]: depthwise,
};

/** The records of a plan in order. Stops at its end, or where its words make no sense. */
export function readRecords(plan: Int32Array): PlanRecord[] {
  const records: PlanRecord[] = [];
  for (let pc = 0; pc < plan.length && plan[pc] !== Op.end; ) {
    const words = plan[pc + Header.words];
    if (!(words >= 2) || pc + words > plan.length) break;
    const start = pc;
    const layer = LAYERS[plan[pc]]?.((field) => plan[start + field]) ?? NONE;
    records.push({ op: Op[plan[pc]] ?? `op ${plan[pc]}`, ...layer });
    pc += words;
  }
  return records;
}
