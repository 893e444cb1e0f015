import { type Classes, classNumbers } from "./classes.ts";
import { type DataItem, type Dataset, type InputSpec, invalid, type OpenOptions } from "./dataset.ts";
import { toElements } from "./elements.ts";

/** A number, a text, a list of numbers, or nothing. */
export type Cell = number | string | readonly number[] | undefined;

/** Rows of cells under named columns. */
export interface Table {
  readonly path: string;
  readonly columns: readonly string[];
  readonly count: number;
  /** A row by its place in the file, for people. */
  where(row: number): string;
  /** The cells of a row, one a column. Throws DATA_INVALID where it is damaged. */
  row(row: number): readonly Cell[];
}

const MOST_LISTED = 30;

/** Names for people, who read no more than so many. */
const listed = (names: readonly string[]) =>
  names.slice(0, MOST_LISTED).join(", ") + (names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : "");

/** A table of rows that were read, or of what is wrong with them. Throws DATA_INVALID where there are none, or columns share a name. */
export function tableOf(
  path: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[] | Error)[],
  where: (row: number) => string,
): Table {
  const places = new Map(columns.map((name, i) => [name, i]));
  const twice = new Set(columns.filter((name, i) => places.get(name) !== i));
  if (twice.size > 0) throw invalid(path, `it has several columns of one name: ${listed([...twice])}`);
  if (rows.length === 0) throw invalid(path, "it holds no rows");
  return {
    path,
    columns,
    count: rows.length,
    where,
    row(row) {
      const cells = rows[row];
      if (cells instanceof Error) throw invalid(path, `${where(row)}: ${cells.message}`);
      if (cells.length !== columns.length)
        throw invalid(path, `${where(row)} has ${cells.length} cells, and there are ${columns.length} columns`);
      return cells;
    },
  };
}

/** A cell; undefined where its row is damaged. */
export function cellAt(table: Table, row: number, place: number): Cell {
  try {
    return table.row(row)[place];
  } catch {
    return undefined;
  }
}

const LABEL_NAMES = ["label", "class", "target", "y"];

/** The place of a column. Throws DATA_INVALID with the names that there are. */
function placeOf({ path, columns }: Table, name: string): number {
  const place = columns.indexOf(name);
  if (place < 0) throw invalid(path, `it has no column ${name}; its columns are: ${listed(columns)}`);
  return place;
}

/** The column that holds the classes: the one asked for, or one of a usual name. */
export function labelPlace(table: Table, { labelColumn }: OpenOptions): number | undefined {
  if (labelColumn !== undefined) return placeOf(table, labelColumn);
  const place = table.columns.findIndex((name) => LABEL_NAMES.includes(name.toLowerCase()));
  return place < 0 ? undefined : place;
}

/** Each row's class; undefined where the column holds numbers that are no classes. */
export function readClasses(table: Table, place: number, options: OpenOptions): Classes | undefined {
  const name = (row: number) => {
    const cell = cellAt(table, row, place);
    return typeof cell === "number" && Number.isNaN(cell) ? undefined : cell;
  };
  const names = Array.from({ length: table.count }, (_, row) => name(row));
  const wrong = names.findIndex((cell) => typeof cell === "object" || (typeof cell === "number" && !Number.isInteger(cell)));
  if (wrong < 0)
    return classNumbers(
      names.map((cell) => (cell === undefined ? undefined : String(cell))),
      options.labels,
    );
  if (options.labelColumn === undefined) return undefined;
  throw invalid(table.path, `${table.where(wrong)}: its ${table.columns[place]} is ${names[wrong]}, which is no class`);
}

/** An input and the columns whose cells, one after the other, are its values. */
interface Feed {
  readonly spec: InputSpec;
  readonly places: readonly number[];
}

/** Which columns feed which input: the columns of the inputs' names, or all of them the only input. */
function assign(table: Table, label: number | undefined, { inputs, columns }: OpenOptions): Feed[] {
  const { path } = table;
  if (!columns && inputs.every(({ name }) => table.columns.includes(name)))
    return inputs.map((spec) => ({ spec, places: [placeOf(table, spec.name)] }));
  if (inputs.length !== 1)
    throw invalid(
      path,
      `the model has the inputs ${inputs.map(({ name }) => name).join(", ")}, and each needs a column of its name; the columns are: ${listed(table.columns)}`,
    );
  const places = columns ? columns.map((name) => placeOf(table, name)) : table.columns.map((_, i) => i).filter((i) => i !== label);
  return [{ spec: inputs[0], places }];
}

/** Rows that say whether a column holds texts. */
const LOOKED_AT = 20;

/** Refuses columns that hold texts: what they mean as numbers, only the one who trained the model knows. */
function checkNumeric(table: Table, feeds: readonly Feed[]): void {
  const places = [...new Set(feeds.flatMap((feed) => feed.places))];
  const rows = Array.from({ length: Math.min(table.count, LOOKED_AT) }, (_, row) => row);
  const texts = places.filter((place) => rows.every((row) => typeof cellAt(table, row, place) === "string"));
  if (texts.length > 0)
    throw invalid(
      table.path,
      `these columns hold texts: ${listed(texts.map((p) => table.columns[p]))}. Write them as the numbers that the model was trained on (token ids, one-hot), or choose columns with --columns; edgepack has no tokenizer`,
    );
}

function valuesOf(table: Table, row: number, { spec, places }: Feed): DataItem[string] {
  const cells = table.row(row);
  const values: number[] = [];
  for (const place of places) {
    const cell = cells[place];
    if (typeof cell === "number") values.push(cell);
    else if (typeof cell === "object") for (const v of cell) values.push(v);
    else
      throw invalid(
        table.path,
        `${table.where(row)}: its ${table.columns[place]} is ${cell === undefined ? "missing" : `"${cell}", no number`}`,
      );
  }
  const size = spec.shape.reduce((n, d) => n * d, 1);
  if (values.length !== size)
    throw invalid(
      table.path,
      `${table.where(row)} has ${values.length} values for input ${spec.name}, which takes ${size} ([${spec.shape.join(",")}])`,
    );
  return toElements(`${table.path}: ${table.where(row)}`, values, spec.preprocess ? "u8" : (spec.dtype ?? "f32"));
}

/** A table as a dataset: a row is an item. */
export function openTable(table: Table, options: OpenOptions): Dataset {
  const label = labelPlace(table, options);
  const feeds = assign(table, label, options);
  checkNumeric(table, feeds);
  return {
    count: table.count,
    ...(label !== undefined && readClasses(table, label, options)),
    kind: "values",
    description: `${table.count} rows from ${table.path}`,
    async item(i) {
      return Object.fromEntries(feeds.map((feed) => [feed.spec.name, valuesOf(table, i, feed)]));
    },
  };
}
