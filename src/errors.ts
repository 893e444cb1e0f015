/** Every failure that edgepack reports, with the exit status its command ends with. Append here; nothing else throws bare errors at users. */
export const ERROR_CODES = {
  USAGE: 2,
  CONFIG: 2,
  FILE: 1,
  ONNX_INVALID: 1,
  ONNX_UNSUPPORTED: 1,
  SHAPE_UNKNOWN: 1,
  GRAPH_INVALID: 1,
  DATA_INVALID: 1,
  EPK_INVALID: 1,
  EPK_VERSION: 1,
  INPUT_INVALID: 1,
  WASM_UNAVAILABLE: 1,
  LIMIT: 1,
  BUDGET: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * The one error type. `message` says what went wrong, where, and what to do next; where several things of one kind are wrong at
 * once, `problems` lists them all and the message shows each on a line of its own.
 */
export class EdgepackError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly string[];

  constructor(code: ErrorCode, message: string, problems: readonly string[] = [], options?: ErrorOptions) {
    super([message, ...problems.map((p) => `  - ${p}`)].join("\n"), options);
    this.name = "EdgepackError";
    this.code = code;
    this.problems = problems;
  }
}
