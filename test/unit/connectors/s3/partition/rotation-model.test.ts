import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Rotation,
  type RotationCause,
  type RotationSettings,
} from "../../../../../connectors/s3/partition/rotation.js";

interface Row {
  readonly directory: string;
  readonly timestampMs: number;
  readonly schema: number | null;
  readonly bytes: number;
  /** The clock's advance before it. */
  readonly afterMs: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  directory: fc.constantFrom("a", "b", "c"),
  timestampMs: fc.integer({ min: 0, max: 50 }),
  schema: fc.constantFrom(null, 1, 2),
  bytes: fc.integer({ min: 1, max: 20 }),
  afterMs: fc.integer({ min: 0, max: 30 }),
});

const settings: fc.Arbitrary<RotationSettings & { scheduleMs: number | undefined }> = fc
  .record({
    flushSize: fc.integer({ min: -1, max: 8 }),
    flushBytes: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    intervalMs: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    rotateOnPartitionChange: fc.boolean(),
    maxOpenFiles: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    scheduleMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  })
  .map((each) => {
    const { scheduleMs } = each;
    const nextScheduledMs =
      scheduleMs === undefined ? undefined : (nowMs: number) => (Math.floor(nowMs / scheduleMs) + 1) * scheduleMs;
    return { ...each, nextScheduledMs, idleMs: undefined, tombstonePartition: undefined };
  });

function sum(rows: readonly Row[]): number {
  return rows.reduce((total, { bytes }) => total + bytes, 0);
}

/** The rules as sentences about the rows that are open, without state but the scheduled moment. */
function causesOf(
  rules: RotationSettings,
  open: readonly Row[],
  next: Row | null,
  isScheduled: boolean,
): RotationCause[] {
  const [first] = open;
  if (!first) return [];
  const last = open.at(-1)!;
  const directories = new Set(open.map(({ directory }) => directory));
  const ofSame = open.filter(({ directory }) => directory === next?.directory);
  const time = next ?? last;
  const holds: Record<string, boolean> = {
    "flush-size": open.length >= rules.flushSize,
    "flush-bytes":
      rules.flushBytes !== undefined &&
      [...directories].some((each) => sum(open.filter(({ directory }) => directory === each)) >= rules.flushBytes!),
    "null-schema": ofSame[0] !== undefined && (ofSame[0].schema === null) !== (next!.schema === null),
    schedule: isScheduled,
    interval: rules.intervalMs !== undefined && time.timestampMs - first.timestampMs >= rules.intervalMs,
    "partition-change":
      rules.intervalMs !== undefined && rules.rotateOnPartitionChange && time.directory !== last.directory,
    "schema-change": ofSame[0] !== undefined && ofSame[0].schema !== next!.schema,
    "max-open-files": next !== null && ofSame.length === 0 && directories.size === rules.maxOpenFiles,
  };
  return (Object.keys(holds) as RotationCause[]).filter((cause) => holds[cause]);
}

test("files are finished exactly when a rule says so, and every record is in one of them", () => {
  fc.assert(
    fc.property(
      settings,
      fc.array(row, { maxLength: 60 }),
      fc.array(fc.boolean(), { maxLength: 60 }),
      (rules, rows, idle) => {
        let nowMs = 0;
        let scheduledMs = rules.nextScheduledMs?.(0) ?? Number.POSITIVE_INFINITY;
        const rotation = new Rotation(rules, nowMs);
        let open: Row[] = [];
        const finished: Row[] = [];
        const check = (cause: RotationCause | null, next: Row | null) => {
          const causes = causesOf(rules, open, next, nowMs >= scheduledMs);
          expect(cause === null ? [] : [cause]).toEqual(cause === null ? causes : [expect.toBeOneOf(causes)]);
          if (cause === null) return;
          rotation.rotated(cause, nowMs);
          if (["schedule", "interval", "partition-change"].includes(cause))
            scheduledMs = rules.nextScheduledMs?.(nowMs) ?? scheduledMs;
          finished.push(...open);
          open = [];
        };
        for (const [at, next] of rows.entries()) {
          nowMs += next.afterMs;
          if (idle[at]) {
            check(rotation.judgeIdle(nowMs), null);
            if (open.length === 0 && nowMs >= scheduledMs) scheduledMs = rules.nextScheduledMs!(nowMs);
          }
          const factsOf = () => {
            const file = open.find(({ directory }) => directory === next.directory);
            const flips = file && (file.schema === null) !== (next.schema === null);
            const schema = !file ? "no-file" : flips ? "null-flip" : file.schema === next.schema ? "same" : "changed";
            return { encodedPartition: next.directory, timestampMs: next.timestampMs, schema } as const;
          };
          check(rotation.judge(factsOf(), nowMs), next);
          const facts = factsOf();
          open.push(next);
          const full = rotation.note(facts, sum(open.filter(({ directory }) => directory === next.directory)), nowMs);
          if (full) check(full, null);
          else expect(causesOf({ ...rules, intervalMs: undefined }, open, null, false)).toEqual([]);
        }
        expect([...finished, ...open]).toEqual(rows);
      },
    ),
    { numRuns: 300 },
  );
});
