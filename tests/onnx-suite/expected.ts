/** Cases that are known to fail, with the reason: `[group/name, reason]`. One that passes must leave the table, one that fails must enter it. */
export const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map<string, string>([]);
