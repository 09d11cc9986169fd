import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { readBatchHeader, writeBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { append, batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TINY = { "segment.bytes": "400", "index.interval.bytes": "100" };
const RUNS = { numRuns: 60 };

function segmentFiles(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name) => join(folder, name));
}

function lastSegment(): string {
  return segmentFiles().at(-1)!;
}

const batches = fc.array(fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 30,
});

/** The damage to the end of the newest segment between a crash and the next start. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant("none" as const) }),
  fc.record({ kind: fc.constant("cut" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant("flip" as const), share: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  fc.record({ kind: fc.constant("garbage" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
);

describe("a log that was not closed", () => {
  test("serves exactly the batches before the first damaged byte, and appends after them", async () => {
    fc.assert(
      fc.property(batches, damage, (written, harm) => {
        rmSync(folder, { recursive: true, force: true });
        const log = openTestLog(folder, { configs: TINY });
        const ends: { file: string; end: number; nextOffset: number }[] = [];
        for (const values of written) {
          append(log, batchOf(values.map((value) => ({ value }))));
          const file = lastSegment();
          ends.push({ file, end: statSync(file).size, nextOffset: log.logEndOffset });
        }
        log.abandon();

        const file = lastSegment();
        const size = statSync(file).size;
        let intactBytes = size;
        if (harm.kind === "cut") {
          intactBytes = Math.floor(size * harm.share);
          truncateSync(file, intactBytes);
        } else if (harm.kind === "flip" && size > 0) {
          const bytes = readFileSync(file);
          intactBytes = Math.floor(size * harm.share);
          bytes[intactBytes]! ^= 0x55;
          writeFileSync(file, bytes);
          // Base offset and leader epoch are outside the checksum: other checks detect a flip there, or none does.
          const start = ends.filter((each) => each.file === file && each.end <= intactBytes).at(-1)?.end ?? 0;
          const inBatch = intactBytes - start;
          fc.pre(inBatch >= 16 || (inBatch >= 8 && inBatch < 12));
        } else if (harm.kind === "garbage") {
          appendFileSync(file, harm.bytes);
        }
        const kept = ends.filter((each) => each.file !== file || each.end <= intactBytes);
        const expected = written.slice(0, kept.length).flat();

        const reopened = openTestLog(folder, { configs: TINY, leaderEpoch: 1 });
        expect(readAll(reopened).map(({ value }) => value!.toString())).toEqual(expected);
        expect(reopened.logEndOffset).toBe(expected.length);
        append(reopened, batchOf([{ value: "after" }]));
        expect(readAll(reopened).map(({ value }) => value!.toString())).toEqual([...expected, "after"]);
        reopened.abandon();
      }),
      RUNS,
    );
  });

  test("answers every fetch offset with the batch that holds it, whatever the fetch size", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 500 }), fc.boolean(), async (written, maxBytes, clean) => {
        rmSync(folder, { recursive: true, force: true });
        const log = openTestLog(folder, { configs: TINY });
        for (const values of written) append(log, batchOf(values.map((value) => ({ value }))));
        if (clean) await log.close();
        else log.abandon();
        const reopened = openTestLog(folder, { configs: TINY });
        const all = written.flat();
        for (let from = 0; from < all.length; from++) {
          const read = readAll(reopened, from, maxBytes);
          expect(read.map(({ offset }) => offset)).toEqual(all.slice(from).map((_, at) => from + at));
        }
        reopened.abandon();
      }),
      { numRuns: 25 },
    );
  });

  test("recognises a retried batch and refuses a gap, as it did before", async () => {
    const arrival = { nowMs: 1_700_000_000_000, apiVersion: 9 };
    const batch = (baseSequence: number) =>
      batchOf([{ value: `v${baseSequence}` }], { producerId: 7, producerEpoch: 0, baseSequence });
    const log = openTestLog(folder, { configs: TINY });
    for (let sequence = 0; sequence < 20; sequence++) appendProduced(log, batch(sequence), arrival, "t-0");
    log.abandon();

    const reopened = openTestLog(folder, { configs: TINY });
    expect(appendProduced(reopened, batch(19), arrival, "t-0")).toMatchObject({ errorCode: 0, baseOffset: 19 });
    expect(appendProduced(reopened, batch(21), arrival, "t-0").errorCode).toBe(ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(appendProduced(reopened, batch(20), arrival, "t-0")).toMatchObject({ errorCode: 0, baseOffset: 20 });
    expect(reopened.logEndOffset).toBe(21);
    await reopened.close();
  });

  test("keeps a batch above the current limit of requests, and all that follow it", async () => {
    const configs = { "segment.bytes": String(110 * 1024 * 1024) };
    const large = Buffer.alloc(101 * 1024 * 1024);
    const header = readBatchHeader(batchOf([{ value: "v" }]));
    writeBatchHeader(large, { ...header, sizeBytes: large.length });
    const log = openTestLog(folder, { configs });
    append(log, large);
    // Also in a segment of its own.
    append(log, batchOf([{ value: "x".repeat(10 * 1024 * 1024) }]));
    log.abandon();
    const reopened = openTestLog(folder, { configs });
    expect(reopened.logEndOffset).toBe(2);
    expect(segmentFiles()).toHaveLength(2);
    reopened.abandon();
  });

  test("drops the segments after a damaged one, since the log may not have a gap", async () => {
    const log = openTestLog(folder, { configs: TINY });
    for (let at = 0; at < 20; at++) append(log, batchOf([{ value: `value-${at}-${"x".repeat(50)}` }]));
    log.abandon();
    const [first, second] = segmentFiles() as [string, string];
    rmSync(first.replace(".log", ".index"), { force: true });
    rmSync(second.replace(".log", ".index"), { force: true });
    const bytes = readFileSync(second);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(second, bytes);

    const reopened = openTestLog(folder, { configs: TINY });
    const offsets = readAll(reopened).map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.map((_, at) => at));
    expect(reopened.logEndOffset).toBe(offsets.length);
    expect(offsets.length).toBeLessThan(20);
    expect(segmentFiles()).toEqual([first, second]);
    reopened.abandon();
  });
});

describe("a log that was closed", () => {
  test("keeps times, producers and epochs", async () => {
    const clock = new SimClock();
    const log = openTestLog(folder, { configs: TINY, clock });
    for (let at = 0; at < 30; at++) append(log, batchOf([{ value: `v${at}`, timestampMs: 1000 + at * 10 }]));
    await log.close();
    const reopened = openTestLog(folder, { configs: TINY, clock, leaderEpoch: 1 });
    expect(reopened.reader.maxTimestampBefore(reopened.logEndOffset)).toBe(1290);
    append(reopened, batchOf([{ value: "later", timestampMs: 5000 }]));
    expect(reopened.endOfEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 30 });
    expect(reopened.endOfEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 31 });
    expect(reopened.endOfEpoch(2)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    await reopened.close();
  });
});
