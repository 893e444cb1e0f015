import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal that keeps what is printed. */
export function recorder(env: Terminal["env"] = {}, isTTY = false) {
  const printed = { out: "", err: "" };
  const stream = (to: "out" | "err") => ({
    isTTY,
    write: (text: string) => {
      printed[to] += text;
    },
  });
  return { stdout: stream("out"), stderr: stream("err"), env, printed };
}
