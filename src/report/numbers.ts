/** Numbers for people. */

/** Bytes: three digits, SI units (1 kB = 1000 bytes). */
export function bytes(n: number): string {
  if (Math.round(n) < 1000) return `${Math.round(n)} B`;
  const [value, unit] = n < 1e6 ? [n / 1e3, "kB"] : [n / 1e6, "MB"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** A count: 12.5 M. */
export function count(n: number): string {
  const [value, unit] = n < 1e4 ? [n, ""] : n < 1e6 ? [n / 1e3, " k"] : n < 1e9 ? [n / 1e6, " M"] : [n / 1e9, " G"];
  return `${unit === "" ? value : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)}${unit}`;
}

/** At most this many significant digits, without trailing zeros. */
export function digits(x: number, most = 4): string {
  return Number.isFinite(x) ? String(Number(x.toPrecision(most))) : String(x);
}

/** A part of a whole, in percent; empty where there is no whole. */
export const share = (part: number, whole: number): string => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)} %`);

/** A signal-to-noise ratio in dB; empty where it was not measured. */
export const decibels = (sqnr: number | undefined): string =>
  sqnr === undefined ? "" : Number.isFinite(sqnr) ? sqnr.toFixed(1) : sqnr > 0 ? "exact" : "lost";
