import { InvalidArgumentError } from "commander";
import { closest } from "../onnx/suggest.ts";

/** A parser for one of a few words. */
export function oneOf<T extends string>(...values: readonly T[]): (text: string) => T {
  return (text) => {
    const found = values.find((v) => v === text);
    if (found !== undefined) return found;
    const guess = closest(text, values);
    throw new InvalidArgumentError(`It is one of ${values.join(", ")}.${guess ? ` Did you mean ${guess}?` : ""}`);
  };
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parseNumber(text: string): number {
  const value = Number(text);
  if (!DECIMAL.test(text.trim()) || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** A parser for whole numbers in `least`..`most`. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** A parser for numbers with `least` < x ≤ `most`. */
export function numberAbove(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value <= least || value > most) throw new InvalidArgumentError(`It must be above ${least} and at most ${most}.`);
    return value;
  };
}

/** A parser for numbers between commas: `0.485,0.456,0.406`. */
export function numbers(text: string): number[] {
  return text.split(",").map(parseNumber);
}

/** A parser for names between commas. */
export function names(text: string): string[] {
  const values = text.split(",").map((name) => name.trim());
  if (values.includes("")) throw new InvalidArgumentError("Write names between commas, as in age,hours.");
  return values;
}

/** A parser for the shares of a split into three: `0.8,0.1,0.1`. */
export function shares(text: string): number[] {
  const values = numbers(text);
  const sum = values.reduce((a, b) => a + b, 0);
  if (values.length !== 3 || values.some((v) => v < 0) || Math.abs(sum - 1) > 1e-6)
    throw new InvalidArgumentError("Write the shares of train, validation and test, which sum to 1, as in 0.8,0.1,0.1.");
  return values;
}

/** The same, all of them above 0. */
export function positiveNumbers(text: string): number[] {
  const values = numbers(text);
  if (values.some((v) => v <= 0)) throw new InvalidArgumentError("Each must be above 0.");
  return values;
}

export type Shapes = Readonly<Record<string, number[]>>;

/** A parser for `name=1,3,224,224`; repeated options add up. */
export function shape(text: string, before: Shapes = {}): Shapes {
  const at = text.lastIndexOf("=");
  const name = text.slice(0, Math.max(at, 0));
  const dims = text.slice(at + 1).split(",");
  if (at < 1 || !dims.every((d) => /^\d{1,9}$/.test(d) && Number(d) > 0))
    throw new InvalidArgumentError("Write the input's name and its dimensions, as in image=1,3,224,224.");
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`The shape of ${name} is given twice.`);
  return { ...before, [name]: dims.map(Number) };
}

export type Fixed = Readonly<Record<string, number[]>>;

/** A parser for `name=16000` or `name=1,2,3`; repeated options add up. */
export function fixed(text: string, before: Fixed = {}): Fixed {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write the input's name and its numbers, as in sr=16000.");
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is fixed twice.`);
  return { ...before, [name]: numbers(text.slice(at + 1)) };
}
