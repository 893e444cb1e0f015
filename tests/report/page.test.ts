import { describe, expect, it } from "vitest";
import type { FullReport } from "../../src/report/evidence.ts";
import { reportPage } from "../../src/report/page.ts";

const HOSTILE = `</title><script src="https://example.com/x.js">alert('x')</script>"onload="`;

const report: FullReport = {
  model: HOSTILE,
  mode: "int8-static",
  sizes: { onnx: 4000, epk: 1000, weights: 700, constants: 100, plan: 90, meta: 80, container: 30 },
  layers: [
    { name: HOSTILE, op: "Conv", output: "i8[1,8]", macs: 12, params: 8, zeros: 0.5, bytes: 4, bitsPerWeight: 4, sqnr: 30 },
    {
      name: "exact",
      op: "Relu",
      output: "f32[1]",
      macs: 0,
      params: 0,
      zeros: 0,
      bytes: 0,
      bitsPerWeight: 0,
      sqnr: Number.POSITIVE_INFINITY,
    },
  ],
  agreement: { samples: 64, source: "calibration", top1: 0.984, sqnr: 31.4, maxDiff: 0.2 },
  memory: { image: 1, arena: 2, lowerBound: 2, total: 3000 },
  steps: [
    {
      step: "search",
      front: [
        { bytes: 500, sqnr: 10, drop: 2 },
        { bytes: 1000, sqnr: 31, drop: 0.1 },
        { bytes: 2000, sqnr: Number.POSITIVE_INFINITY, drop: 0 },
      ],
      chosen: { bytes: 1000, sqnr: 31, drop: 0.1 },
    },
  ],
  warnings: [HOSTILE],
  evidence: {
    recipe: [{ step: "search", options: { maxSize: 1000, layers: [{ match: HOSTILE }] } }],
    weights: [
      {
        layer: HOSTILE,
        shape: [2, 4],
        histogram: { low: -2, high: 4, counts: [1, 5, 2] },
        grid: [
          { value: -1, count: 3 },
          { value: 0, count: 5 },
        ],
        zeros: { rows: 1, columns: 2, shares: [0, 1] },
      },
    ],
    answers: {
      data: HOSTILE,
      samples: 200,
      correct: { before: 180, after: 178 },
      changed: 2,
      examples: [{ index: 7, before: 0, after: 1, label: 0, image: "data:image/png;base64,AAAA" }],
    },
    labels: [HOSTILE, "bag"],
  },
};

const page = reportPage(report);

describe("the page of a report", () => {
  it("has nothing of a hostile name as markup", () => {
    expect(page).not.toMatch(/<script/i);
    expect(page).not.toContain('"onload=');
    expect(page).toContain("&lt;script src=&quot;https://example.com/x.js&quot;&gt;");
  });

  it("loads nothing: every source is a data URI, and no style names an address", () => {
    expect([...page.matchAll(/\b(?:src|href|data|action)="([^"]*)"/g)].map(([, to]) => to.slice(0, 5))).toEqual(["data:", "data:"]);
    expect(page).not.toMatch(/url\(|@import|<(?:link|iframe|object|form)\b/);
    expect(page).toContain("default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;");
  });

  it("says what it is about: size, loss, recipe, front, changed answers", () => {
    for (const text of [
      "1.00 kB",
      "4×",
      "98.4 %",
      "maxSize 1000",
      "2 of 200 inputs (1.0 %)",
      "90.0 % in f32, 89.0 % now",
      "item 7",
      "The first 1 are shown",
    ])
      expect(page).toContain(text);
    expect(page.match(/<circle class="a"/g)).toHaveLength(2);
    expect(page.match(/<circle class="chosen"[^>]*><title>1.00 kB, 31.0 dB, drop 0.10 points/g)).toHaveLength(1);
  });

  it("has no number that is none", () => {
    expect(page).not.toMatch(/NaN|undefined|(?<!sqnr )Infinity/);
  });

  it("leaves out sections that it knows nothing of", () => {
    const bare = reportPage({ ...report, steps: [], warnings: [], evidence: { recipe: [], weights: [] } });
    expect([...bare.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title)).toEqual(["Size", "Layers"]);
  });
});
