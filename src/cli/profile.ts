/** Where an inference spends its time, in the terms of layers. */
import type { BuildResult } from "../build.ts";
import { readEpk } from "../format/index.ts";
import { planGraph } from "../plan/plan.ts";
import { measurePeak, type Peak } from "../profile/peak.ts";
import { profile } from "../profile/profile.ts";
import { readRecords } from "./records.ts";
import { count, digits, table } from "./table.ts";
import { colorsFor, print, type Terminal } from "./terminal.ts";

export interface LayerTime {
  /** The node's name, where the model was built here; else the record's number. */
  readonly layer: string;
  readonly kernel: string;
  readonly output: string;
  readonly macs: number;
  readonly ms: number;
  /** Of the sum of all records, 0..1. */
  readonly share: number;
  readonly gmacs?: number;
  /** Of the machine's measured peak of the kernel's instruction, 0..1. */
  readonly ofPeak?: number;
}

export interface ProfileReport {
  /** Milliseconds of an inference in one call, and of the records one by one. */
  readonly ms: number;
  readonly sum: number;
  /** GMAC/s. */
  readonly peak: Peak;
  /** The longest first. */
  readonly layers: readonly LayerTime[];
}

/** Profiles a pack record by record; `graph` is what was built into it, where that is known. Warmed up and measured for `duration` ms each. */
export async function profileReport(epk: Uint8Array, duration: number, graph?: BuildResult["graph"]): Promise<ProfileReport> {
  const { records, ms } = await profile(readEpk(epk), { duration });
  const peak = await measurePeak(Math.min(300, duration));
  const names = graph ? namesOf(graph) : [];
  const sum = records.reduce((total, record) => total + record.ms, 0);
  const layers = records.map((record, i): LayerTime => {
    const [{ op: kernel, output, macs }] = readRecords(record.words);
    const done = macs * record.runs;
    const gmacs = done > 0 && record.ms > 0 ? done / record.ms / 1e6 : undefined;
    return {
      layer: names[i] ?? `#${i}`,
      kernel,
      output,
      macs: done,
      ms: record.ms,
      share: record.ms / sum,
      ...(gmacs !== undefined && { gmacs, ofPeak: gmacs / peak[kernel.startsWith("f32") ? "f32" : "int8"] }),
    };
  });
  return { ms, sum, peak, layers: layers.sort((a, b) => b.ms - a.ms) };
}

/** The node of each record of the plan, in order; records inside subgraphs are called after the node that has them. */
function namesOf(graph: BuildResult["graph"]): string[] {
  const { layers } = planGraph(graph);
  return layers.filter((layer) => layer.graph === graph).flatMap(({ node, records }) => new Array<string>(records).fill(node.name));
}

const percent = (share: number | undefined): string => (share === undefined ? "" : `${(100 * share).toFixed(1)} %`);

export function printProfile(terminal: Terminal, title: string, { ms, sum, peak, layers }: ProfileReport): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const rows = layers.map((l) => [
    l.layer,
    l.kernel,
    l.output,
    l.macs > 0 ? count(l.macs) : "",
    digits(l.ms, 3),
    percent(l.share),
    l.gmacs === undefined ? "" : digits(l.gmacs, 3),
    percent(l.ofPeak),
  ]);
  print(terminal, `\n${colors.bold(`Profile of ${title}`)}`);
  print(terminal, table(colors, ["layer", "kernel", "output", ">MACs", ">ms", ">of all", ">GMAC/s", ">of peak"], rows));
  print(
    terminal,
    `${digits(ms, 3)} ms in one call, ${digits(sum, 3)} ms record by record; peak ${digits(peak.int8, 3)} GMAC/s int8, ${digits(peak.f32, 3)} GMAC/s f32`,
  );
}
