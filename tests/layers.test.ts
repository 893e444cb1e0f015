import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Who may import whom, from the ground up (docs/architecture.md). A room may always import itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "assembly/shared": [],
  "assembly/lib": ["assembly/shared"],
  "assembly/kernels": ["assembly/shared", "assembly/lib"],
  "assembly/scalar": ["assembly/shared", "assembly/lib"],
  "assembly/unpack": ["assembly/shared", "assembly/lib"],
  "assembly/run.ts": ["assembly/shared", "assembly/lib", "assembly/kernels", "assembly/scalar", "assembly/unpack"],
  "src/errors.ts": [],
  "src/tensor": ["src/errors.ts"],
  "src/graph": ["src/errors.ts", "src/tensor"],
  "src/ops": ["src/errors.ts", "src/tensor", "src/graph", "assembly/shared"],
  "src/semantics": ["src/errors.ts", "src/tensor", "src/graph", "src/ops"],
  "src/onnx": ["src/errors.ts", "src/tensor", "src/graph", "src/ops"],
  "src/passes": ["src/errors.ts", "src/tensor", "src/graph", "src/ops", "src/semantics"],
  "src/format": ["src/errors.ts", "src/tensor", "assembly/shared"],
  "src/plan": ["src/errors.ts", "src/tensor", "src/graph", "src/ops", "src/format", "assembly/shared"],
  "src/run": ["src/errors.ts", "src/format", "assembly/shared"],
  "src/data": ["src/errors.ts", "src/tensor", "src/format"],
  "src/compress": [
    "src/errors.ts",
    "src/tensor",
    "src/graph",
    "src/ops",
    "src/semantics",
    "src/onnx",
    "src/passes",
    "src/plan",
    "src/format",
    "src/run",
    "src/data",
  ],
  "src/report": ["src/errors.ts", "src/tensor", "src/graph", "src/format", "src/data", "src/compress"],
  "src/profile": ["src/errors.ts", "src/format", "src/run", "assembly/shared"],
  "src/trim": ["src/errors.ts"],
  "src/targets": ["src/errors.ts", "src/format", "src/trim"],
};

/** May import anything: the surfaces. */
const SURFACES = ["src/build.ts", "src/export.ts", "src/index.ts", "src/cli"];

/** Rooms that run where there is no Node and no package. */
const BARE = ["src/run", "src/format", "src/tensor", "src/graph", "src/ops", "src/semantics", "src/passes", "src/plan", "src/errors.ts"];

interface Import {
  readonly file: string;
  readonly from: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file).replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && !file.includes("__tests__") && !file.includes("/templates/"));
}

const files = [...sources("assembly"), ...sources("src")];

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm)].map((match) => {
    const from = match[1] ?? match[2] ?? match[3];
    return { file, from: from.startsWith(".") ? relative(root, join(root, dirname(file), from)).replaceAll("\\", "/") : from };
  });
}

const within = (path: string, room: string): boolean => path === room || path === room.replace(/\.ts$/, "") || path.startsWith(`${room}/`);

describe("layers", () => {
  it("every source file is in a room", () => {
    const homeless = files.filter((file) => ![...Object.keys(ROOMS), ...SURFACES].some((room) => within(file, room)));
    expect(homeless).toEqual([]);
  });

  for (const [room, allowed] of Object.entries(ROOMS)) {
    it(`${room} imports only ${allowed.length ? allowed.join(", ") : "itself"}`, () => {
      const offenders = files
        .filter((file) => within(file, room))
        .flatMap(importsOf)
        .filter(({ from }) => from.startsWith("src/") || from.startsWith("assembly/"))
        .filter(({ from }) => ![room, ...allowed].some((other) => within(from, other)));
      expect(offenders).toEqual([]);
    });
  }

  for (const room of BARE) {
    it(`${room} needs no package and no Node`, () => {
      const offenders = files
        .filter((file) => within(file, room))
        .flatMap(importsOf)
        .filter(({ from }) => !from.startsWith("src/") && !from.startsWith("assembly/"));
      expect(offenders).toEqual([]);
    });
  }
});
