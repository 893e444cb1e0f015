import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Op } from "../../assembly/shared/plan.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { Buffers } from "../../src/plan/buffers.ts";
import { lowerGraph } from "../../src/plan/lower.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { f32, i64, type Tensor } from "../../src/tensor/index.ts";
import { graphOf, randomInputs } from "../graph/build.ts";

const wasm = readFileSync(new URL("../../dist/simd.wasm", import.meta.url));

/** Lifetimes of buffers that `touches` name by the records that point into them, in a plan whose records `loops` run again and again. */
function lifetimes(touches: Readonly<Record<string, readonly number[]>>, loops: readonly (readonly [number, number])[]) {
  const buffers = new Buffers();
  const ids = Object.entries(touches).map(([name, records]) => {
    const { buffer } = buffers.arena(16);
    for (const record of records) buffers.touch(buffer, record);
    return [name, buffer] as const;
  });
  for (const [first, last] of loops) buffers.repeat(first, last);
  buffers.settle();
  return Object.fromEntries(
    ids.map(([name, id]) => {
      const buffer = buffers.all[id];
      return [name, buffer.kind === "arena" ? [buffer.first, buffer.last] : []];
    }),
  );
}

describe("lifetimes around loops", () => {
  it("cover the loop where a buffer is alive on both sides of its border", () => {
    const alive = lifetimes(
      { before: [0, 1], captured: [1, 4], carried: [2, 9, 12], inside: [5, 7], stacked: [6, 12], after: [10, 12], around: [0, 12] },
      [[3, 9]],
    );
    expect(alive).toEqual({
      before: [0, 1],
      captured: [1, 9],
      carried: [2, 12],
      inside: [5, 7],
      stacked: [3, 12],
      after: [10, 12],
      around: [0, 12],
    });
  });

  it("go from an inner loop to the outer", () => {
    const loops = [
      [4, 6],
      [2, 8],
    ] as const;
    expect(lifetimes({ outermost: [0, 5], between: [3, 5], innermost: [5, 6] }, loops)).toEqual({
      outermost: [0, 8],
      between: [3, 6],
      innermost: [5, 6],
    });
  });
});

const SIZE = 16;
const STEPS = 60;

/** `body` in a Loop of many steps, on `state` and what is computed from the inputs before it. */
function looped(body: Graph, outputs: string): Graph {
  return graphOf({
    inputs: { x: [SIZE], z: [SIZE] },
    constants: { limit: i64([STEPS], []) },
    nodes: [
      ["Abs", "x", "before"],
      ["Sin", "z", "state"],
      ["Loop", "limit _ state before", outputs, { captures: 1, body } as Node["attrs"]],
    ],
    outputs,
  });
}

/** Temporaries that would lie well where the capture, the state or the stack lies, if those seemed to be free. */
const crowded = (outputs: string) =>
  exampleGraph(
    ["i", "go", "s", "c"],
    [
      ["Add", "s c", "early"],
      ["Sin", "early", "t1"],
      ["Mul", "t1 t1", "t2"],
      ["Sub", "t2 t1", "t3"],
      ["Mul", "t3 half", "late"],
    ],
    outputs,
    { half: f32([0.5]) },
  );

async function expectSame(graph: Graph): Promise<void> {
  const inputs: Record<string, Tensor> = randomInputs(graph, 1);
  const expected = evaluate(graph, inputs);
  const model = await load(writeEpk(planGraph(optimize(graph)).pack), { wasm });
  const actual = model.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data])) as never) as Record<
    string,
    ArrayLike<number>
  >;
  for (const name of graph.outputs)
    expected[name].data.forEach((want, i) => {
      expect(actual[name][i], `${name}[${i}]`).toBeCloseTo(want, 4);
    });
  model.dispose();
}

describe("memory in loops", () => {
  it("keeps what was computed before the loop and is read early in each iteration", () => expectSame(looped(crowded("go late"), "y")));

  it("keeps stacks that are written early in each iteration", () => expectSame(looped(crowded("go late early"), "y stack")));

  it("is shared by what is alive within an iteration only", () => {
    const { arena } = planGraph(optimize(looped(crowded("go late"), "y")));
    // Inputs, what is computed before, state and two temporaries at a time; not all five of an iteration.
    expect(arena.bytes).toBeLessThan(7 * SIZE * 4);
  });
});

describe("jumps", () => {
  it("go back by as many words as lie between", () => {
    const { records } = lowerGraph(optimize(looped(crowded("go late"), "y")));
    const starts = [0];
    for (const { words } of records) starts.push(starts[starts.length - 1] + words.length);
    const targets = records.flatMap(({ words }, i) => {
      const jumps = [Op.jump, Op.jump_if, Op.jump_below].includes(words[0] as Op);
      return jumps ? [[Op[words[0] as number], starts.indexOf(starts[i] + (words[2] as number)) - i]] : [];
    });
    expect(records.map(({ words }) => Op[words[0] as number]).join(" ")).toMatchInlineSnapshot(
      `"f32_unary f32_unary fill fill copy_at jump f32_binary f32_unary f32_binary f32_binary f32_binary copy_at count jump_below"`,
    );
    expect(targets).toMatchInlineSnapshot(`
      [
        [
          "jump",
          8,
        ],
        [
          "jump_below",
          -7,
        ],
      ]
    `);
  });
});
