import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { externalDataOf, preprocessOf, readLabels, refuseModelOptions, withPreprocess } from "../../src/cli/model-options.ts";
import { file, folder } from "../data/files.ts";

const image = (shape: number[], name = "image") => ({ name, shape, dtype: "f32" as const });

describe("preprocessOf", () => {
  it("spreads one number over all channels, and takes the layout from the shape", () => {
    expect(preprocessOf({ mean: [0.5], std: [0.25] }, [image([1, 3, 8, 8])])).toEqual({
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      layout: "nchw",
    });
    expect(preprocessOf({ mean: [1, 2, 3] }, [image([1, 8, 8, 3])])).toEqual({ mean: [1, 2, 3], std: [1, 1, 1], layout: "nhwc" });
  });
  it("takes the layout given where both fit", () => {
    expect(preprocessOf({ layout: "nhwc" }, [image([1, 3, 8, 3])])).toEqual({ mean: [0, 0, 0], std: [1, 1, 1], layout: "nhwc" });
  });
  it("is undefined where nothing is given", () => {
    expect(preprocessOf({}, [image([1, 3, 8, 8])])).toBeUndefined();
  });
  it("refuses other numbers of channels, and models without images", () => {
    expect(() => preprocessOf({ mean: [1, 2] }, [image([1, 3, 8, 8])])).toThrow(/--mean has 2 numbers.*3 channels/);
    expect(() => preprocessOf({ mean: [1] }, [image([1, 40], "x")])).toThrow(/x\[1,40\]/);
  });
});

describe("withPreprocess", () => {
  it("attaches to images of as many channels, and to nothing else", () => {
    const preprocess = { mean: [0, 0, 0], std: [1, 1, 1], layout: "nchw" as const };
    const inputs = [
      image([1, 3, 8, 8]),
      image([1, 10], "x"),
      image([1, 1, 8, 8], "mask"),
      { ...image([1, 3, 8, 8], "ids"), dtype: "i32" as const },
    ];
    expect(withPreprocess(inputs, preprocess).map((input) => input.preprocess !== undefined)).toEqual([true, false, false, false]);
    expect(withPreprocess(inputs, undefined)).toEqual(inputs);
  });
});

describe("readLabels", () => {
  it("reads lines and JSON", () => {
    expect(readLabels(file("a.txt", "\uFEFFcat\r\n hot dog \n"))).toEqual(["cat", "hot dog"]);
    expect(readLabels(file("a.json", '["cat", "dog"]'))).toEqual(["cat", "dog"]);
  });
  it.each([
    ["cat\n\ndog", /line 2 is empty/],
    ["", /line 1 is empty/],
    ["[1, 2]", /no array of strings/],
    ["[]", /no array of strings/],
    ['["a"', /JSON|Unexpected|Expected/],
  ])("refuses %j", (content, reason) => {
    const path = file("labels", content);
    expect(() => readLabels(path)).toThrow(expect.objectContaining({ code: "DATA_INVALID", message: expect.stringMatching(reason) }));
  });
  it("reports a missing file as FILE", () => {
    expect(() => readLabels(join(folder({}), "no"))).toThrow(expect.objectContaining({ code: "FILE" }));
  });
});

describe("refuseModelOptions", () => {
  it("names every option that a pack has built in", () => {
    expect(() => refuseModelOptions({ mean: [1], labels: "x" }, "a.epk")).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(/--mean, --labels/) }),
    );
    refuseModelOptions({}, "a.epk");
  });
});

describe("externalDataOf", () => {
  it("reads from the model's folder and reports what is missing", () => {
    const path = folder({ "weights.bin": "abc" });
    const external = externalDataOf(join(path, "model.onnx"));
    expect(new TextDecoder().decode(external("weights.bin"))).toBe("abc");
    expect(() => external("gone.bin")).toThrow(
      expect.objectContaining({ code: "FILE", message: expect.stringMatching(/gone\.bin.*model\.onnx/) }),
    );
  });
});
