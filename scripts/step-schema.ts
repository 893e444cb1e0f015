/** What validates the options of steps, as JSON schemas. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { type StepName, stepOf } from "../src/compress/steps/index.ts";

export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly [keyword: string]: unknown;
}

/** What a user may write. Rules over several options at once have no place in a schema: they are checked when the configuration is read. */
export const ofInput = (schema: GenericSchema): JsonSchema =>
  toJsonSchema(schema, { typeMode: "input", errorMode: "ignore" }) as JsonSchema;

/** The options of a step. */
export function stepSchema(name: StepName): JsonSchema {
  const { $schema: _, ...options } = ofInput(stepOf(name).options);
  return options;
}
