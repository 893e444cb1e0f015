import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { integer, numberAbove, numbers, oneOf, positiveNumbers, shape } from "../../src/cli/values.ts";

const refuses = (parse: () => unknown, reason: RegExp) => {
  expect(parse).toThrow(InvalidArgumentError);
  expect(parse).toThrow(reason);
};

describe("values of options", () => {
  it("take one of a few words and suggest the nearest to a typo", () => {
    expect(oneOf("cloudflare", "deno")("deno")).toBe("deno");
    refuses(() => oneOf("cloudflare", "deno")("clodflare"), /cloudflare, deno\. Did you mean cloudflare\?/);
    refuses(() => oneOf("cloudflare", "deno")("mainframe"), /^It is one of cloudflare, deno\.$/);
  });
  it("take whole numbers within bounds", () => {
    expect(integer(1, 10)("10")).toBe(10);
    for (const bad of ["0", "11", "1.5", "x", "", " ", "0x1", "1e400", "NaN", "Infinity"]) refuses(() => integer(1, 10)(bad), /number/);
  });
  it("take numbers above a bound", () => {
    expect(numberAbove(50, 100)("99.99")).toBe(99.99);
    for (const bad of ["50", "100.01", "-3"]) refuses(() => numberAbove(50, 100)(bad), /above 50 and at most 100/);
  });
  it("take lists of numbers", () => {
    expect(numbers("0.485, -1e-3,.5")).toEqual([0.485, -0.001, 0.5]);
    for (const bad of ["", "1,,2", "1;2", "a"]) refuses(() => numbers(bad), /number/);
    refuses(() => positiveNumbers("1,0"), /above 0/);
  });
  it("take shapes, repeated for several inputs", () => {
    expect(shape("b=1,2", shape("a:0=1,3,224,224"))).toEqual({ "a:0": [1, 3, 224, 224], b: [1, 2] });
    for (const bad of ["image", "=1,2", "image=", "image=1,-2", "image=1,0", "image=1,x", "image=1.5", "image=9999999999"])
      refuses(() => shape(bad), /image=1,3,224,224/);
    refuses(() => shape("a=1", { a: [2] }), /twice/);
  });
});
