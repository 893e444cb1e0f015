/** What a full report shows beyond what every build knows: it takes another pass over weights and data. */
import type { BuildReport } from "../compress/report.ts";
import type { Answers } from "./answers.ts";
import type { WeightEvidence } from "./weights.ts";

export interface Evidence {
  /** Steps with all their options. */
  readonly recipe: readonly { readonly step: string; readonly options: unknown }[];
  readonly weights: readonly WeightEvidence[];
  /** Absent where there are no data, or the model was not changed. */
  readonly answers?: Answers;
  /** Names of the classes. */
  readonly labels?: readonly string[];
}

export type FullReport = BuildReport & { readonly evidence: Evidence };
