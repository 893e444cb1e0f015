/** Graph inputs: their types, with every dimension fixed. */
import { EdgepackError } from "../errors.ts";
import { ELEMENT_TYPES, elementTypeName } from "../ops/element-type.ts";
import { type Tensor, type TensorType, tensor } from "../tensor/index.ts";
import type { ValueInfoProto } from "./schema.ts";
import { closest } from "./suggest.ts";

/** Shapes that the user gives, by the input's name. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/**
 * The types of the inputs in order. A given shape wins where it agrees with what the model fixes; an unknown first dimension is the
 * batch, 1. Throws SHAPE_UNKNOWN with all inputs that need a shape, USAGE with all given shapes that do not fit, ONNX_UNSUPPORTED
 * for element types that the IR has not.
 */
export function inputTypes(inputs: readonly ValueInfoProto[], shapes: Shapes): Map<string, TensorType> {
  checkGiven(inputs, shapes);
  const types = new Map<string, TensorType>();
  const unknown: string[] = [];
  const unsupported: string[] = [];
  for (const { name = "", type } of inputs) {
    const declared = type?.tensorType;
    const element = ELEMENT_TYPES.get(declared?.elemType ?? 0);
    if (!declared || !element) {
      unsupported.push(`input ${name}: ${kindOf({ name, type })}`);
      continue;
    }
    const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    const dims = declared.shape?.dim.map((dim) => ({ known: knownSize(dim.value), label: dim.param || "?" }));
    if (!given && !dims) unknown.push(`${name}: the model says nothing of its shape; write --shape ${name}=1,3,224,224`);
    else if (!given && dims!.some((d, i) => d.known === undefined && i > 0)) unknown.push(askFor(name, dims!));
    else types.set(name, { dtype: element.dtype, shape: given ? [...given] : dims!.map((d) => d.known ?? 1) });
  }
  if (unsupported.length)
    throw new EdgepackError("ONNX_UNSUPPORTED", "The model has inputs of kinds that edgepack does not support:", unsupported);
  if (unknown.length)
    throw new EdgepackError("SHAPE_UNKNOWN", "The model leaves dimensions open that edgepack must know. Fix them with --shape:", unknown);
  return types;
}

/** What an input is fixed to: a tensor, or its numbers in row-major order. */
export type Fixed = Readonly<Record<string, Tensor | readonly number[]>>;

/** Moves the inputs that the user fixes into `constants` and returns the others. Throws USAGE with all values that fit no input. */
export function fixInputs(inputs: readonly ValueInfoProto[], fixed: Fixed, constants: Map<string, Tensor>): readonly ValueInfoProto[] {
  const problems: string[] = [];
  for (const [name, given] of Object.entries(fixed)) {
    const input = inputs.find((i) => i.name === name);
    const dtype = ELEMENT_TYPES.get(input?.type?.tensorType?.elemType ?? 0)?.dtype;
    if (!input || !dtype) {
      problems.push(input ? `${name}: the model takes ${kindOf(input)}` : noSuchInput(name, inputs));
      continue;
    }
    const value = "dtype" in given ? given : tensor(dtype, given, shapeFor(given.length, input));
    if (dtype !== value.dtype) problems.push(`${name}: the value is ${value.dtype}, the model takes ${dtype}`);
    problems.push(...misfits(`the value of ${name}`, value.shape, input));
    constants.set(name, value);
  }
  if (problems.length) throw new EdgepackError("USAGE", "The values that inputs are fixed to do not fit the model:", problems);
  return inputs.filter((input) => !Object.hasOwn(fixed, input.name ?? ""));
}

/** The model's shape where it has so many elements, or else one dimension; one number without a dimension where the model knows none. */
function shapeFor(count: number, { type }: ValueInfoProto): number[] {
  const dims = type?.tensorType?.shape?.dim.map((dim) => knownSize(dim.value) ?? 1);
  if (dims && dims.reduce((n, d) => n * d, 1) === count) return dims;
  return !dims && count === 1 ? [] : [count];
}

function kindOf({ type }: ValueInfoProto): string {
  const declared = type?.tensorType;
  return declared ? `element type ${elementTypeName(declared.elemType ?? 0)}` : "a value that is no tensor";
}

interface Dim {
  readonly known: number | undefined;
  readonly label: string;
}

/** A dimension that the model fixes; 0 and negative numbers are exporters' ways of leaving it open. */
function knownSize(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** Sizes that are common where an image model leaves them open, by place from the end; 1 elsewhere. */
function askFor(name: string, dims: readonly Dim[]): string {
  const open = dims.flatMap((d, i) => (d.known === undefined && i > 0 ? [`dimension ${i} (${d.label})`] : []));
  const example = dims.map((d, i) => d.known ?? (i === 0 ? 1 : dims.length === 4 ? 224 : 128));
  const shape = dims.map((d) => d.known ?? d.label);
  return `${name}[${shape}]: ${open.join(", ")} ${open.length > 1 ? "are" : "is"} open; write for example --shape ${name}=${example}`;
}

function checkGiven(inputs: readonly ValueInfoProto[], shapes: Shapes): void {
  const problems: string[] = [];
  for (const [name, given] of Object.entries(shapes)) {
    const input = inputs.find((i) => i.name === name);
    if (!input) {
      problems.push(noSuchInput(name, inputs));
      continue;
    }
    const shown = `${name}=${given}`;
    if (given.some((d) => !Number.isSafeInteger(d) || d < 0)) problems.push(`${shown}: dimensions must be whole numbers from 0`);
    problems.push(...misfits(shown, given, input));
  }
  if (problems.length) throw new EdgepackError("USAGE", "The shapes that were given do not fit the model:", problems);
}

function noSuchInput(name: string, inputs: readonly ValueInfoProto[]): string {
  const names = inputs.map((input) => input.name ?? "");
  const near = closest(name, names);
  return `there is no input ${name}${near ? `, did you mean ${near}?` : "."} The inputs are: ${names.join(", ")}`;
}

/** Where a shape contradicts what the model fixes. */
function misfits(shown: string, given: readonly number[], { name, type }: ValueInfoProto): string[] {
  const dims = type?.tensorType?.shape?.dim;
  if (!dims) return [];
  if (dims.length !== given.length) return [`${shown}: the model's ${name} has ${dims.length} dimensions, not ${given.length}`];
  return dims.flatMap((dim, i) => {
    const known = knownSize(dim.value);
    return known === undefined || known === given[i] ? [] : [`${shown}: dimension ${i} is ${known} in the model, not ${given[i]}`];
  });
}
