import { Header, Op } from "../../assembly/shared/plan.ts";
import { invalid } from "./container.ts";

/**
 * The ops of a plan: `words` is the image, `plan` its address in bytes. Jumps land on records, so one way through them in order meets all.
 * Throws EPK_INVALID where the records do not end inside the image.
 */
export function opsOf(words: Int32Array, plan: number): Set<number> {
  const ops = new Set<number>();
  for (let at = plan / 4; at < words.length; ) {
    const op = words[at + Header.op];
    if (op === Op.end) return ops;
    ops.add(op);
    const length = words[at + Header.words];
    if (length <= Header.words) break;
    at += length;
  }
  throw invalid("its plan has no end");
}
