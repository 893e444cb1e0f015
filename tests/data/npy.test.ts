import { describe, expect, it } from "vitest";
import { parseNpy } from "../../src/data/npy.ts";
import { npy } from "./files.ts";

const read = (bytes: Uint8Array) => parseNpy("a.npy", bytes);

describe("parseNpy", () => {
  it.each([
    ["<f4", Float32Array.of(1.5, -2)],
    ["<f8", Float64Array.of(1.5, -2)],
    ["|i1", Int8Array.of(1, -2)],
    ["|u1", Uint8Array.of(1, 254)],
    ["|b1", Uint8Array.of(1, 0)],
    ["<i2", Int16Array.of(1, -2)],
    ["<u2", Uint16Array.of(1, 65535)],
    ["<i4", Int32Array.of(1, -2)],
    ["<u4", Uint32Array.of(1, 4294967295)],
    ["<i8", BigInt64Array.of(1n, -2n)],
    ["<u8", BigUint64Array.of(1n, 2n ** 40n)],
  ])("reads %s in both byte orders", (descr, values) => {
    const wanted = Array.from(values as Iterable<number | bigint>, Number);
    expect([...read(npy(descr, [2], values)).data]).toEqual(wanted);
    const swapped = new Uint8Array(values.buffer.slice(0)).reverse();
    expect([...read(npy(descr.replace("<", ">"), [2], swapped)).data].reverse()).toEqual(wanted);
  });
  it("reads halves, subnormals, infinities and NaN among them", () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00, 0x7e00);
    expect([...read(npy("<f2", [6], bits)).data]).toEqual([1, -2, 2 ** -24, Infinity, -Infinity, NaN]);
  });
  it("puts column-major arrays into row-major order", () => {
    expect([...read(npy("<i4", [2, 3], Int32Array.of(1, 4, 2, 5, 3, 6), "F")).data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...read(npy("<i4", [2, 1, 2], Int32Array.of(1, 3, 2, 4), "F")).data]).toEqual([1, 2, 3, 4]);
  });
  it("reads a scalar", () => {
    expect(read(npy("<f4", [], Float32Array.of(3)))).toMatchObject({ shape: [], data: Float32Array.of(3) });
  });

  const good = npy("<f4", [2, 2], Float32Array.of(1, 2, 3, 4));
  it("refuses every truncation", () => {
    for (let n = 0; n < good.length; n++)
      expect(() => read(good.subarray(0, n))).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
  });
  it.each([
    ["a shape larger than the file", npy("<f4", [2 ** 31, 2 ** 30], new Uint8Array(4)), /announces/],
    ["a shape beyond all numbers", npy("<f4", [1e200], new Uint8Array(4)), /header|shape/],
    ["objects", npy("|O", [1], new Uint8Array(8)), /numpy type \|O/],
    ["text", npy("<U5", [1], new Uint8Array(20)), /numpy type <U5/],
    ["names of object methods", npy("<constructor", [1], new Uint8Array(8)), /numpy type/],
  ])("refuses %s", (_, bytes, reason) => {
    expect(() => read(bytes)).toThrow(reason);
  });
});
