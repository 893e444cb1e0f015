import picocolors from "picocolors";

/** What a command prints to: the part of a process's streams that it needs. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where a command runs. Results go to `stdout`; progress, notes and errors to `stderr`. */
export interface Terminal {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for one stream: on terminals only, unless FORCE_COLOR or NO_COLOR (no-color.org) says otherwise. */
export function colorsFor({ env }: Terminal, stream: Stream): Colors {
  const forced = (env.FORCE_COLOR ?? "0") !== "0";
  const wanted = forced || (stream.isTTY === true && env.TERM !== "dumb");
  return picocolors.createColors(wanted && !env.NO_COLOR);
}

/** A line on stdout. */
export function print(terminal: Terminal, text = ""): void {
  terminal.stdout.write(`${text}\n`);
}

/** A result for machines, on stdout. */
export function printJson(terminal: Terminal, value: unknown): void {
  print(terminal, JSON.stringify(value, null, 2));
}

/** Something worth knowing that is no result, on stderr. */
export function note(terminal: Terminal, text: string): void {
  terminal.stderr.write(`${text}\n`);
}

/** Something that may spoil the result, on stderr. */
export function warn(terminal: Terminal, text: string): void {
  note(terminal, `${colorsFor(terminal, terminal.stderr).yellow("warning:")} ${text}`);
}
