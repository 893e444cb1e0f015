import { expectTypeOf, it } from "vitest";
import type * as runtime from "../../src/run/index.ts";
import type * as shipped from "../../src/targets/templates/shared/edgepack.d.ts";

it("the types that packages ship are those of the runtime, as the type checker sees them", () => {
  expectTypeOf<runtime.Model>().toExtend<shipped.Model>();
  expectTypeOf<keyof shipped.Model>().toEqualTypeOf<Exclude<keyof runtime.Model, typeof Symbol.dispose>>();
  expectTypeOf<shipped.InputInfo>().toEqualTypeOf<runtime.InputInfo & shipped.InputInfo>();
  expectTypeOf<runtime.InputInfo>().toExtend<shipped.InputInfo>();
  expectTypeOf<runtime.OutputInfo>().toExtend<shipped.OutputInfo>();
  expectTypeOf<shipped.TypedArray>().toEqualTypeOf<runtime.TypedArray>();
  expectTypeOf<shipped.Source>().toEqualTypeOf<runtime.Source>();
  expectTypeOf<shipped.LoadOptions>().toExtend<runtime.LoadOptions>();
  expectTypeOf<runtime.EdgepackError>().toExtend<shipped.EdgepackError>();
  expectTypeOf<typeof runtime.topK>().toEqualTypeOf<typeof shipped.topK>();
  expectTypeOf<Parameters<typeof shipped.load>>().toExtend<Parameters<typeof runtime.load>>();
});
