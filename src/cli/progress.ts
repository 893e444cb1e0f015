import { type Options, SingleBar } from "cli-progress";
import type { Terminal } from "./terminal.ts";

export type OnProgress = (stage: string, done: number, total: number) => void;

/** Progress bars on stderr, one after another, where that is a terminal; nothing elsewhere. Call `stop` before other output. */
export function progressOn({ stderr }: Terminal): { readonly update: OnProgress; readonly stop: () => void } {
  let bar: SingleBar | undefined;
  let current = "";
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  const update: OnProgress = (stage, done, total) => {
    if (!stderr.isTTY) return;
    if (stage !== current || !bar) {
      stop();
      current = stage;
      const options: Options = {
        format: `${stage} {bar} {value}/{total}`,
        barsize: 30,
        clearOnComplete: true,
        linewrap: true,
        stream: stderr as NodeJS.WriteStream,
      };
      bar = new SingleBar({ ...options, barCompleteChar: "█", barIncompleteChar: "░" });
      bar.start(total, done);
    } else bar.update(done);
    if (done >= total) stop();
  };
  return { update, stop };
}
