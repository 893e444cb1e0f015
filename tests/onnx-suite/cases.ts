/** The cases of ONNX's backend test suite, as Debian's libonnx-testdata lays them out, and which of them are not asked of edgepack. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const GROUPS = ["node", "simple", "pytorch-operator", "pytorch-converted"] as const;

export interface Case {
  readonly group: (typeof GROUPS)[number];
  readonly name: string;
  /** Has `model.onnx`, and inputs and outputs in `test_data_set_0`. */
  readonly folder: string;
  /** Why it is left out, where it is. */
  readonly excluded?: string;
}

/** What is not inference on plain tensors. */
const EXCLUDED: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^test_(adagrad|adam|momentum|nesterov_momentum|gradient_of)/, "training: an optimizer or a gradient"],
  [/^test_(training_dropout|batchnorm_.*_training_mode)/, "training: batch statistics or dropped elements"],
  [/^test_bernoulli/, "random numbers"],
  [/^test_(strnorm|cast(like)?_.*STRING)/, "strings"],
  [/^test_(sequence_|identity_sequence|if_seq|loop13_seq|loop16_seq)/, "sequences of tensors"],
  [/^test_(optional_|identity_opt|if_opt)/, "optional values"],
];

/** All cases below `root`, in order. Throws where it is not the suite's folder. */
export function findCases(root: string): Case[] {
  const missing = GROUPS.filter((group) => !existsSync(join(root, group)));
  if (missing.length)
    throw new Error(
      `${root} has no ${missing.join(", ")}: install Debian's libonnx-testdata, or set EDGEPACK_ONNX_TESTDATA to the folder of ONNX's backend test data.`,
    );
  return GROUPS.flatMap((group) =>
    readdirSync(join(root, group))
      .filter((name) => existsSync(join(root, group, name, "model.onnx")))
      .sort()
      .map((name) => ({
        group,
        name,
        folder: join(root, group, name),
        excluded: EXCLUDED.find(([pattern]) => pattern.test(name))?.[1],
      })),
  );
}
