import { describe, expect, it } from "vitest";
import { configSchema } from "../../scripts/config-schema.ts";
import { CONFIG } from "../../src/cli/config.ts";
import { STEPS } from "../../src/compress/steps/index.ts";

const { properties, additionalProperties } = configSchema();

describe("the JSON schema of configurations", () => {
  it("knows every option, and no other", () => {
    expect(Object.keys(properties!)).toEqual(Object.keys(CONFIG.entries));
    expect(additionalProperties).toBe(false);
  });

  it("knows every step with its options, and tells them apart by name", () => {
    const steps = properties!.steps.items!.anyOf!;
    expect(steps.map(({ properties }) => properties!.step.const)).toEqual(Object.keys(STEPS));
    for (const step of steps) {
      expect(step.additionalProperties).toBe(false);
      expect(step.required).toContain("step");
    }
    const quantize = steps.find(({ properties }) => properties!.step.const === "quantize")!;
    expect(quantize.properties!.weights.properties!.bits).toMatchObject({ type: "integer", minimum: 2, maximum: 8 });
  });

  it("lets sizes be written with units: what is checked is what people write", () => {
    const search = properties!.steps.items!.anyOf!.find(({ properties }) => properties!.step.const === "search")!;
    expect(search.properties!.maxSize.anyOf!.map(({ type }) => type)).toEqual(["number", "string"]);
  });
});
