import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { CODECS } from "../../../../src/protocol/compression/compression.js";
import { crc32c } from "../../../../src/protocol/crc32c.js";
import { MalformedError } from "../../../../src/protocol/malformed-error.js";
import { codecOf, walkBatches } from "../../../../src/protocol/records/record-batch.js";
import type { DecodedRecord } from "../../../../src/protocol/records/record-batch-reader.js";
import { append, batchOf, openTestLog, readAll, type TestRecord } from "../../../support/broker-log.js";
import { compactSealed } from "../../../support/histories/compact-sealed.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const DELETE_RETENTION_MS = 1000;
const CONFIGS = {
  "cleanup.policy": "compact",
  "segment.bytes": "500",
  "index.interval.bytes": "100",
  "delete.retention.ms": String(DELETE_RETENTION_MS),
};

/** Forces sealed segments to disk by closing and opening the log, as cleaning requires. */
async function reopened(log: PartitionLog, clock: SimClock): Promise<PartitionLog> {
  await log.close();
  return openTestLog(folder, { configs: CONFIGS, clock });
}

/** Cleans everything but the active segment; ends after `steps` steps if set. Returns whether it finished. */
async function clean(
  log: PartitionLog,
  clock: SimClock,
  steps = Number.POSITIVE_INFINITY,
  dedupeBufferBytes = 1 << 16,
) {
  if (log.segments.length === 1) return true;
  let left = steps;
  return compactSealed(log, { nowMs: clock.nowMs(), dedupeBufferBytes, between: () => --left > 0 });
}

function stateOf(records: readonly DecodedRecord[]): Map<string, string> {
  const state = new Map<string, string>();
  for (const { key, value } of records) {
    if (value === null) state.delete(key!.toString());
    else state.set(key!.toString(), value.toString());
  }
  return state;
}

const record = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  value: fc.option(fc.string({ maxLength: 40 }), { freq: 4, nil: null }),
});
const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      records: fc.array(record, { minLength: 1, maxLength: 5 }),
      codec: fc.constantFrom(...CODECS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clean" as const), keys: fc.constantFrom(2, 4, 100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash in cleaning" as const), steps: fc.nat({ max: 30 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, DELETE_RETENTION_MS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
);

describe("compaction", () => {
  test("never changes the final state for a reader from the start, nor any record's offset or content", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 60 }), async (operations) => {
        rmSync(folder, { recursive: true, force: true });
        const clock = new SimClock();
        let log = openTestLog(folder, { configs: CONFIGS, clock });
        const written: TestRecord[] = [];
        for (const step of operations) {
          if (step.kind === "append") {
            const timed = step.records.map((each) => ({ ...each, timestampMs: clock.nowMs() }));
            append(log, batchOf(timed, undefined, step.codec));
            written.push(...timed);
          } else if (step.kind === "wait") {
            await clock.advance(step.ms);
          } else if (step.kind === "crash") {
            log.abandon();
            log = openTestLog(folder, { configs: CONFIGS, clock });
          } else {
            log = await reopened(log, clock);
            if (step.kind === "clean") await clean(log, clock, undefined, step.keys * 24);
            else if (!(await clean(log, clock, step.steps))) {
              log.abandon();
              log = openTestLog(folder, { configs: CONFIGS, clock });
            }
          }
          const records = readAll(log);
          expect(stateOf(records)).toEqual(
            stateOf(
              written.map(
                ({ key, value }) =>
                  ({ key: Buffer.from(key!), value: value === null ? null : Buffer.from(value) }) as DecodedRecord,
              ),
            ),
          );
          for (const { offset, key, value, timestampMs } of records) {
            const original = written[offset]!;
            expect([key?.toString(), value?.toString() ?? null, timestampMs]).toEqual([
              original.key,
              original.value,
              original.timestampMs,
            ]);
          }
          expect([log.logStartOffset, log.logEndOffset]).toEqual([0, written.length]);
        }
        log.abandon();
      }),
      { numRuns: 80 },
    );
  });

  test("leaves one record of each key below the active segment, and a fetch at any offset continues behind it", async () => {
    const clock = new SimClock();
    let log = openTestLog(folder, { configs: CONFIGS, clock });
    for (let at = 0; at < 200; at++) append(log, batchOf([{ key: `k${at % 5}`, value: `v${at}` }]));
    log = await reopened(log, clock);
    const activeBase = log.segments.at(-1)!.baseOffset;
    expect(await clean(log, clock)).toBe(true);
    const cleaned = readAll(log).filter(({ offset }) => offset < activeBase);
    expect(new Set(cleaned.map(({ key }) => key!.toString())).size).toBe(cleaned.length);
    expect(cleaned.length).toBe(5);
    for (let from = 0; from < 200; from++) {
      expect(readAll(log, from).map(({ offset }) => offset)).toEqual(
        readAll(log)
          .map(({ offset }) => offset)
          .filter((offset) => offset >= from),
      );
    }
    await log.close();
  });

  test("keeps a tombstone for delete.retention.ms after it was first cleaned, then drops it", async () => {
    const clock = new SimClock();
    let log = openTestLog(folder, { configs: CONFIGS, clock });
    append(log, batchOf([{ key: "gone", value: "x".repeat(300) }]));
    append(log, batchOf([{ key: "gone", value: null }]));
    append(log, batchOf([{ key: "fill", value: "y".repeat(400) }]));
    append(log, batchOf([{ key: "tail", value: "z".repeat(400) }]));
    log = await reopened(log, clock);
    const tombstones = () => readAll(log).filter(({ value }) => value === null);
    await clean(log, clock);
    expect(readAll(log).map(({ key }) => key!.toString())).toEqual(["gone", "fill", "tail"]);
    expect(tombstones()).toHaveLength(1);
    await clock.advance(DELETE_RETENTION_MS - 1);
    log = await reopened(log, clock);
    await clean(log, clock);
    expect(tombstones()).toHaveLength(1);
    await clock.advance(1);
    log = await reopened(log, clock);
    await clean(log, clock);
    expect(tombstones()).toHaveLength(0);
    await log.close();
  });

  test("keeps the last sequence of a producer although its records are gone", async () => {
    const clock = new SimClock();
    const arrival = { nowMs: clock.nowMs(), apiVersion: 9 };
    let log = openTestLog(folder, { configs: CONFIGS, clock });
    const stamp = { producerId: 3, producerEpoch: 0, baseSequence: 0 };
    appendProduced(log, batchOf([{ key: "k", value: "old" }], stamp), arrival, "t-0");
    append(log, batchOf([{ key: "k", value: "n".repeat(300) }]));
    append(log, batchOf([{ key: "k", value: "m".repeat(400) }]));
    log = await reopened(log, clock);
    await clean(log, clock);
    for (const name of readdirSync(folder)) if (name.endsWith(".snapshot")) rmSync(join(folder, name));
    log.abandon();
    log = openTestLog(folder, { configs: CONFIGS, clock });
    const retry = batchOf([{ key: "k", value: "old" }], stamp);
    expect(appendProduced(log, retry, arrival, "t-0")).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(log.logEndOffset).toBe(3);
    log.abandon();
  });

  test.each(CODECS)("keeps the codec of a batch that it shrinks, %s", async (codec) => {
    const clock = new SimClock();
    let log = openTestLog(folder, { configs: CONFIGS, clock });
    const stale = { key: "k", value: "old" };
    const kept = { key: "other", value: "kept" };
    append(log, batchOf([stale, kept], undefined, codec));
    append(log, batchOf([{ key: "k", value: "n".repeat(400) }]));
    append(log, batchOf([{ key: "end", value: "m".repeat(400) }]));
    log = await reopened(log, clock);
    await clean(log, clock);
    const [first] = [...walkBatches(log.reader.read(0, 1000, true))];
    expect([codecOf(first!.header), first!.header.recordCount]).toEqual([CODECS.indexOf(codec), 1]);
    expect(readAll(log).map(({ key }) => key!.toString())).toEqual(["other", "k", "end"]);
    log.abandon();
  });

  test("leaves no half-written file behind when a batch cannot be read", async () => {
    const clock = new SimClock();
    let log = openTestLog(folder, { configs: CONFIGS, clock });
    append(log, batchOf([{ key: "k", value: "v" }]));
    // Its record ends right after its key. Only the rewriting, which checks for a tombstone, reads that far.
    const unreadable = Buffer.from(batchOf([{ key: "key", value: "v" }]).subarray(0, 62 + 7));
    unreadable.writeInt32BE(unreadable.length - 12, 8);
    unreadable.writeInt8(7 << 1, 61);
    unreadable.writeUInt32BE(crc32c(unreadable, 21), 17);
    append(log, unreadable);
    append(log, batchOf([{ key: "k", value: "v".repeat(500) }]));
    log = await reopened(log, clock);
    await expect(compactSealed(log, { endOffset: 2 })).rejects.toThrow(MalformedError);
    expect(readdirSync(folder).filter((name) => name.endsWith(".cleaned"))).toEqual([]);
    log.abandon();
  });

  test("leaves no half-written file behind after a crash", async () => {
    const clock = new SimClock();
    for (let steps = 0; ; steps++) {
      rmSync(folder, { recursive: true, force: true });
      let log = openTestLog(folder, { configs: CONFIGS, clock });
      for (let at = 0; at < 60; at++) append(log, batchOf([{ key: `k${at % 3}`, value: `v${at}` }]));
      log = await reopened(log, clock);
      const before = stateOf(readAll(log));
      const finished = await clean(log, clock, steps);
      log.abandon();
      log = openTestLog(folder, { configs: CONFIGS, clock });
      expect(stateOf(readAll(log))).toEqual(before);
      expect(readdirSync(folder).filter((name) => /\.(cleaned|swap|tmp)$/.test(name))).toEqual([]);
      expect(existsSync(folder)).toBe(true);
      log.abandon();
      if (finished) break;
    }
  });
});
