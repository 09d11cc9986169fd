import { isFlawless, type TopicVerdict } from "./check/judge-pipeline.js";
import { grouped, layOut, percentile } from "./demo-table.js";
import type { WorkloadCounts } from "./demo-workload.js";

/** The demo's measurements and findings. */
export interface DemoResult {
  readonly verdicts: readonly TopicVerdict[];
  /** Rows before the live mix. */
  readonly rowCount: number;
  /** From the POST of the first connector until the last row was read from its topic. */
  readonly snapshotMs: number;
  readonly counts: Readonly<WorkloadCounts>;
  readonly liveEvents: number;
  /** From the first transaction until the last event was read. */
  readonly liveElapsedMs: number;
  /** Per transaction. */
  readonly latenciesMs: readonly number[];
  /** Peak of the process of broker and worker. */
  readonly memoryMiB: number | undefined;
  readonly objects: number;
}

/**
 * The end of the demo's output: table, measurements, verdict, and where to look next.
 *
 * @param pathOf the path of a file of this package, as the user may open it.
 */
export function reportDemo(result: DemoResult, pathOf: (...parts: string[]) => string): string[] {
  const { verdicts, counts, latenciesMs } = result;
  const perSecond = (count: number, ms: number) => grouped((1000 * count) / Math.max(1, ms));
  const ms = (percent: number) => percentile(latenciesMs, percent)?.toFixed(1) ?? "?";
  const seconds = (elapsedMs: number) => (elapsedMs / 1000).toFixed(1);
  const { snapshotMs, liveElapsedMs, liveEvents, rowCount } = result;
  return [
    "",
    ...layOut(
      ["table", "rows", "events", "records", "missing", "duplicated", "out of order"],
      [...verdicts.map((verdict) => row(shortName(verdict.topic), [verdict])), row("all", verdicts)],
    ),
    "",
    `rows are in Postgres, events in topics, records in ${grouped(result.objects)} objects (deletes' tombstones are in topics only)`,
    "",
    `snapshot   ${grouped(rowCount)} rows in ${seconds(snapshotMs)} s: ${perSecond(rowCount, snapshotMs)} events/s, from POST to topic`,
    `live       ${grouped(counts.transactions)} transactions, ${grouped(liveEvents)} events in ${seconds(liveElapsedMs)} s: ${perSecond(liveEvents, liveElapsedMs)} events/s`,
    `latency    from commit to topic: p50 ${ms(50)} ms, p99 ${ms(99)} ms (${grouped(latenciesMs.length)} transactions)`,
    `memory     broker and worker: ${result.memoryMiB === undefined ? "?" : `${grouped(result.memoryMiB)} MiB`} at most`,
    "",
    ...verdictLines(verdicts),
    "",
    "Where to look next:",
    ...layOutHints([
      ["npx millrace demo --keep", "the same, and stays up to play with"],
      [pathOf("config", "demo"), "the two connector configurations and the shop's SQL"],
      [pathOf("README.md"), "a first connector by hand; a real Kafka"],
      [pathOf("docs", "architecture.md"), "how it works inside"],
    ]),
  ];
}

function layOutHints(hints: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...hints.map(([what]) => what.length));
  return hints.map(([what, why]) => `  ${what.padEnd(width)}   ${why}`);
}

function row(name: string, verdicts: readonly TopicVerdict[]): (string | number)[] {
  const sum = (count: (verdict: TopicVerdict) => number) => verdicts.reduce((total, one) => total + count(one), 0);
  return [
    name,
    sum((one) => one.rows),
    sum((one) => one.events),
    sum((one) => one.records),
    sum((one) => one.missing + one.leftOver + one.skipped + one.missingRecords),
    sum((one) => one.duplicated + one.foreign + one.resent),
    sum((one) => one.outOfOrder + one.beforeSnapshot),
  ];
}

function verdictLines(verdicts: readonly TopicVerdict[]): string[] {
  if (verdicts.length > 0 && verdicts.every(isFlawless)) return ["Nothing is missing, duplicated or out of order."];
  const findings = verdicts.flatMap(({ topic, findings: found }) => found.map((finding) => `  ${topic}: ${finding}`));
  return ["THE CHECK FAILED:", ...findings];
}

function shortName(topic: string): string {
  return topic.slice(topic.lastIndexOf(".") + 1);
}
