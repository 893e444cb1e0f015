/** The JSON schema of configurations, by which editors check and complete them: of the options, and of each step's options, from what validates them. */
import { CONFIG } from "../src/cli/config.ts";
import { STEPS, type StepName, stepOf } from "../src/compress/steps/index.ts";
import { type JsonSchema, ofInput, stepSchema } from "./step-schema.ts";

export function configSchema(): JsonSchema {
  const { properties, ...config } = ofInput(CONFIG);
  const steps = (Object.keys(STEPS) as StepName[]).map((name) => {
    const { properties, required = [], ...options } = stepSchema(name);
    return {
      ...options,
      description: stepOf(name).summary,
      properties: { step: { const: name, description: stepOf(name).summary }, ...properties },
      required: ["step", ...required],
    };
  });
  return {
    ...config,
    title: "edgepack configuration",
    properties: { ...properties, steps: { ...properties!.steps, items: { anyOf: steps } } },
  };
}
