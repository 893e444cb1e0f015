import { existsSync, promises, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkFile, checkFolder, writeFile, writeFolder } from "../../src/cli/write.ts";
import { folder } from "../data/files.ts";

afterEach(() => vi.restoreAllMocks());

const failsWith = (code: string) => vi.spyOn(promises, "writeFile").mockRejectedValue(Object.assign(new Error(code), { code }));
const text = (path: string) => readFileSync(path, "utf8");
const files = (entries: Record<string, string>) => new Map(Object.entries(entries));

describe("writeFile", () => {
  it("replaces a file and leaves nothing beside it", async () => {
    const path = folder({ "a.epk": "old" });
    await writeFile(join(path, "a.epk"), Buffer.from("new"));
    expect(text(join(path, "a.epk"))).toBe("new");
    expect(readdirSync(path)).toEqual(["a.epk"]);
  });
  it.each([
    ["ENOSPC", /the disk is full/],
    ["EACCES", /permission denied/],
  ])("leaves the old file whole on %s, and says why", async (code, reason) => {
    const path = folder({ "a.epk": "old" });
    failsWith(code);
    await expect(writeFile(join(path, "a.epk"), Buffer.from("new"))).rejects.toMatchObject({
      code: "FILE",
      message: expect.stringMatching(reason),
    });
    expect(text(join(path, "a.epk"))).toBe("old");
    expect(readdirSync(path)).toEqual(["a.epk"]);
  });
});

describe("a process that is told to stop while it writes", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("removes what is half written on %s, then ends by the signal", async (signal) => {
    const path = folder({ "a.epk": "old" });
    const real = promises.writeFile;
    const listeners = process.listenerCount(signal);
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    let left: string[] = [];
    vi.spyOn(promises, "writeFile").mockImplementation(async (...args) => {
      await real(...args);
      process.emit(signal, signal);
      left = readdirSync(path);
    });
    await expect(writeFile(join(path, "a.epk"), Buffer.from("new"))).rejects.toMatchObject({ code: "FILE" });
    expect(left).toEqual(["a.epk"]);
    expect(kill).toHaveBeenCalledWith(process.pid, signal);
    expect(text(join(path, "a.epk"))).toBe("old");
    expect(process.listenerCount(signal)).toBe(listeners);
  });
});

describe("writeFolder", () => {
  it("writes nested files and a list of them", async () => {
    const out = join(folder({}), "out");
    await writeFolder(out, files({ "a.txt": "1", "src/b.txt": "2" }), { target: "node" });
    expect(text(join(out, "src/b.txt"))).toBe("2");
    expect(JSON.parse(text(join(out, ".edgepack.json")))).toEqual({ target: "node", files: ["a.txt", "src/b.txt"] });
  });
  it("replaces what an earlier build wrote and keeps what people added", async () => {
    const parent = folder({});
    const out = join(parent, "out");
    await writeFolder(out, files({ "a.txt": "1", "src/old.txt": "gone", "lib/x.txt": "gone" }), {});
    for (const name of ["notes.txt", "src/mine.txt", "lib/mine.txt"]) writeFileSync(join(out, name), "mine");
    await writeFolder(out, files({ "a.txt": "2", "src/new.txt": "3" }), {});
    expect(text(join(out, "a.txt"))).toBe("2");
    for (const name of ["notes.txt", "src/mine.txt", "lib/mine.txt"]) expect(text(join(out, name))).toBe("mine");
    expect(existsSync(join(out, "src/old.txt"))).toBe(false);
    expect(existsSync(join(out, "lib/x.txt"))).toBe(false);
    expect(readdirSync(parent)).toEqual(["out"]);
  });
  it("leaves the old folder whole where the disk fills up half way", async () => {
    const parent = folder({ "out/a.txt": "old" });
    const real = promises.writeFile;
    let calls = 0;
    vi.spyOn(promises, "writeFile").mockImplementation((...args) =>
      ++calls === 2 ? Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })) : real(...args),
    );
    await expect(writeFolder(join(parent, "out"), files({ "a.txt": "1", "b.txt": "2" }), {})).rejects.toMatchObject({ code: "FILE" });
    expect(text(join(parent, "out/a.txt"))).toBe("old");
    expect(readdirSync(parent)).toEqual(["out"]);
  });
});

describe("checks before any work", () => {
  const isOurs = (head: Uint8Array) => head[0] === 0x89;
  it("refuse to overwrite a file that is no pack, unless forced", () => {
    const path = folder({ "model.onnx": "onnx", "model.epk": Uint8Array.of(0x89) });
    expect(() => checkFile(join(path, "model.onnx"), false, isOurs)).toThrow(/--force/);
    checkFile(join(path, "model.onnx"), true, isOurs);
    checkFile(join(path, "model.epk"), false, isOurs);
    checkFile(join(path, "new.epk"), false, isOurs);
  });
  it("refuse a folder as a file, a file as a folder, and a place that does not exist", () => {
    const path = folder({ file: "x" });
    expect(() => checkFile(path, true, isOurs)).toThrow(/is a folder/);
    expect(() => checkFolder(join(path, "file"), true)).toThrow(/is a file/);
    expect(() => checkFile(join(path, "no/a.epk"), true, isOurs)).toThrow(/does not exist/);
  });
  it("refuse a folder that others filled, unless forced", async () => {
    const path = folder({ "theirs/a.txt": "x" });
    expect(() => checkFolder(join(path, "theirs"), false)).toThrow(/not written by edgepack/);
    checkFolder(join(path, "theirs"), true);
    await writeFolder(join(path, "theirs"), files({ "b.txt": "y" }), {});
    expect(text(join(path, "theirs/a.txt"))).toBe("x");
    checkFolder(join(path, "theirs"), false);
    checkFolder(join(path, "new"), false);
  });
});
