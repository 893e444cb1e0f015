/**
 * Protobuf messages from a table of their fields. What is not in a table is skipped; depth is that of the tables, which do not
 * refer to themselves, so no file can make the reader recurse further.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { EdgepackError } from "../errors.ts";

interface Values {
  string: string;
  bytes: Uint8Array;
  float: number;
  double: number;
  int64: number;
  uint64: number;
}

interface Scalar<T> {
  readonly wire: WireType;
  read(reader: BinaryReader): T;
  write(writer: BinaryWriter, value: T): unknown;
}

/** 64-bit integers are read as doubles and saturate here. */
const MAX_EXACT = 2 ** 53;

const SCALARS: { readonly [K in keyof Values]: Scalar<Values[K]> } = {
  string: { wire: WireType.LengthDelimited, read: (r) => r.string(), write: (w, v) => w.string(v) },
  bytes: { wire: WireType.LengthDelimited, read: (r) => r.bytes(), write: (w, v) => w.bytes(v) },
  float: { wire: WireType.Bit32, read: (r) => r.float(), write: (w, v) => w.float(v) },
  double: { wire: WireType.Bit64, read: (r) => r.double(), write: (w, v) => w.double(v) },
  int64: {
    wire: WireType.Varint,
    read: (r) => Math.min(Math.max(Number(r.int64()), -MAX_EXACT), MAX_EXACT),
    write: (w, v) => w.int64(BigInt(v)),
  },
  uint64: {
    wire: WireType.Varint,
    read: (r) => Math.min(Number(r.uint64()), MAX_EXACT),
    write: (w, v) => w.uint64(BigInt(v)),
  },
};

export interface Field {
  readonly id: number;
  readonly kind: keyof Values | Message;
  readonly many: boolean;
}

export interface Message {
  readonly [name: string]: Field;
}

type Value<K> = K extends keyof Values ? Values[K] : K extends Message ? Decoded<K> : never;

/** A message as plain data: absent fields are undefined, repeated ones empty. */
export type Decoded<M extends Message> = {
  readonly [N in keyof M]: M[N]["many"] extends true ? readonly Value<M[N]["kind"]>[] : Value<M[N]["kind"]> | undefined;
};

/** A message to be written: every field may be left out. */
export type Draft<M extends Message> = {
  readonly [N in keyof M]?: M[N]["many"] extends true ? readonly DraftValue<M[N]["kind"]>[] : DraftValue<M[N]["kind"]> | undefined;
};

type DraftValue<K> = K extends keyof Values ? Values[K] : K extends Message ? Draft<K> : never;

export const one = <K extends Field["kind"]>(id: number, kind: K) => ({ id, kind, many: false }) as const;
export const many = <K extends Field["kind"]>(id: number, kind: K) => ({ id, kind, many: true }) as const;

const NONE: readonly unknown[] = Object.freeze([]);

/** A file of more messages than this is no model: a node takes about five. */
const MAX_MESSAGES = 2 ** 21;

const TOO_LONG = "a field is longer than the message that holds it";

/**
 * Reads a whole message. Throws ONNX_INVALID with the byte offset and the path of the field where the bytes stop making sense.
 */
export function decode<M extends Message>(bytes: Uint8Array, message: M, name: string): Decoded<M> {
  const decoder = new Decoder(bytes, name);
  try {
    return decoder.message(message, bytes.length) as Decoded<M>;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const where = `at byte ${decoder.at} of ${bytes.length} in ${decoder.path.join(".")}`;
    throw new EdgepackError("ONNX_INVALID", `The ONNX file is damaged or cut short: ${error.message}, ${where}.`, [], { cause: error });
  }
}

class Decoder {
  /** Where the reader is, from the whole message down; points at the failing field when something throws. */
  readonly path: string[];
  private readonly reader: BinaryReader;
  private readonly length: number;
  private messages = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.reader = new BinaryReader(bytes);
    this.length = bytes.length;
    this.path = [name];
  }

  get at(): number {
    return Math.min(this.reader.pos, this.length);
  }

  message(message: Message, end: number): Record<string, unknown> {
    if (++this.messages > MAX_MESSAGES) throw new RangeError(`more than ${MAX_MESSAGES} messages`);
    const { reader, path } = this;
    const fields = fieldsById(message);
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(message)) result[key] = message[key].many ? NONE : undefined;
    while (reader.pos < end) {
      const [id, wire] = reader.tag();
      const found = fields.get(id);
      if (!found) reader.skip(wire, id);
      else {
        const [key, { kind, many }] = found;
        const list = many ? (result[key] as unknown[]) : undefined;
        path.push(list ? `${key}[${list.length}]` : key);
        const values =
          typeof kind === "string"
            ? this.scalars(SCALARS[kind] as Scalar<unknown>, wire, many, end)
            : [this.message(kind, this.lengthPrefixed(wire, end))];
        path.pop();
        if (!list) result[key] = values.at(-1);
        else if (list.length === 0) result[key] = values;
        else for (const value of values) list.push(value);
      }
      if (reader.pos > end) throw new RangeError(TOO_LONG);
    }
    return result;
  }

  /** One value, or a packed run of them. */
  private scalars<T>(scalar: Scalar<T>, wire: WireType, many: boolean, end: number): T[] {
    const { reader } = this;
    if (wire === scalar.wire) {
      const value = scalar.read(reader);
      if (reader.pos > end) throw new RangeError(TOO_LONG);
      return [value];
    }
    if (!many || scalar.wire === WireType.LengthDelimited) throw new RangeError(`wire type ${wire} where ${scalar.wire} was expected`);
    const stop = this.lengthPrefixed(wire, end);
    const values: T[] = [];
    while (reader.pos < stop) values.push(scalar.read(reader));
    if (reader.pos > stop) throw new RangeError("a packed list ends in the middle of a value");
    return values;
  }

  /** The end of what follows. */
  private lengthPrefixed(wire: WireType, end: number): number {
    if (wire !== WireType.LengthDelimited) throw new RangeError(`wire type ${wire} where a length was expected`);
    const stop = this.reader.uint32() + this.reader.pos;
    if (stop > end) throw new RangeError(TOO_LONG);
    return stop;
  }
}

const byId = new WeakMap<Message, Map<number, [string, Field]>>();

function fieldsById(message: Message): Map<number, [string, Field]> {
  let fields = byId.get(message);
  if (!fields) {
    fields = new Map(Object.entries(message).map(([key, field]) => [field.id, [key, field]]));
    byId.set(message, fields);
  }
  return fields;
}

/** The bytes of a message; fields that are undefined or empty are left out, numbers in lists are packed. */
export function encode<M extends Message>(message: M, value: Draft<M>): Uint8Array {
  const writer = new BinaryWriter();
  writeMessage(writer, message, value);
  return writer.finish();
}

function writeMessage(writer: BinaryWriter, message: Message, value: object): void {
  for (const [key, field] of Object.entries(message)) {
    const given = (value as Record<string, unknown>)[key];
    if (given === undefined) continue;
    const values = field.many ? (given as readonly unknown[]) : [given];
    if (values.length === 0) continue;
    if (typeof field.kind !== "string") {
      for (const item of values) {
        writer.tag(field.id, WireType.LengthDelimited).fork();
        writeMessage(writer, field.kind, item as object);
        writer.join();
      }
      continue;
    }
    const scalar = SCALARS[field.kind] as Scalar<unknown>;
    if (field.many && scalar.wire !== WireType.LengthDelimited) {
      writer.tag(field.id, WireType.LengthDelimited).fork();
      for (const item of values) scalar.write(writer, item);
      writer.join();
    } else {
      for (const item of values) {
        writer.tag(field.id, scalar.wire);
        scalar.write(writer, item);
      }
    }
  }
}
