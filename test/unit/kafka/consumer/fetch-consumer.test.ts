import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { Consumer, FetchedRecords } from "../../../../src/kafka/client/consumer.js";
import { fetch } from "../../../../src/protocol/apis/fetch.js";
import { writeBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { RecordBatchWriter } from "../../../../src/protocol/records/record-batch-writer.js";
import { type Fault, ScriptedBroker, scriptedClient } from "../scripted-broker.js";

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

function batch(...values: string[]): Buffer {
  const writer = new RecordBatchWriter();
  for (const value of values) writer.append(1, null, Buffer.from(value), []);
  return writer.finish();
}

/** A compacted batch: fewer records than offsets, or none at all. */
function emptyBatch(offsets: number): Buffer {
  const empty = Buffer.alloc(61);
  writeBatchHeader(empty, header({ sizeBytes: 61, lastOffsetDelta: offsets - 1, recordCount: 0 }));
  return empty;
}

function header(changes: Partial<Parameters<typeof writeBatchHeader>[1]>): Parameters<typeof writeBatchHeader>[1] {
  return {
    sizeBytes: 0,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestampMs: 1,
    maxTimestampMs: 1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 1,
    ...changes,
  };
}

/** The same records with other header fields. */
function restamped(source: Buffer, changes: Partial<Parameters<typeof writeBatchHeader>[1]>): Buffer {
  const copy = Buffer.from(source);
  const count = source.readInt32BE(57);
  writeBatchHeader(
    copy,
    header({ sizeBytes: copy.length, recordCount: count, lastOffsetDelta: count - 1, ...changes }),
  );
  return copy;
}

/** A transaction marker: type 0 is ABORT, 1 is COMMIT. */
function marker(producerId: number, type: number): Buffer {
  const writer = new RecordBatchWriter();
  writer.append(1, Buffer.from([0, 0, 0, type]), Buffer.alloc(6), []);
  return restamped(writer.finish(), { attributes: TRANSACTIONAL | CONTROL, producerId });
}

function setUp(properties: Record<string, string> = {}, partitions = 1, nodes = 1) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock, nodes);
  broker.topic("t", partitions, (partition) => partition % nodes);
  const client = scriptedClient(broker, { "auto.offset.reset": "earliest", ...properties });
  const waits: (string | undefined)[] = [];
  const consumer = client.consumer({ onConnectivity: (reason) => waits.push(reason) });
  return { clock, broker, client, consumer, waits };
}

const tp = (partition = 0) => ({ topic: "t", partition });

/** Polls with the clock running, for at most a simulated minute. */
async function poll(clock: SimClock, consumer: Consumer, maxWaitMs = 10_000): Promise<FetchedRecords[]> {
  const polled = consumer.poll(maxWaitMs);
  polled.catch((error: unknown) => error);
  let settled = false;
  void polled.finally(() => (settled = true)).catch((error: unknown) => error);
  for (let step = 0; step < 1_000 && !settled; step++) await clock.advance(step < 10 ? 0 : 20);
  return polled;
}

const values = (fetched: readonly FetchedRecords[]) =>
  fetched.flatMap((each) => each.records.map((record) => record.value?.toString()));

describe("the error of an unreadable batch names its offset, its codec and the remedy", () => {
  const whole = () => {
    const writer = new RecordBatchWriter();
    for (const value of ["a", "b", "c"]) writer.append(1, null, Buffer.from(value), []);
    return writer.finish({ codec: "zstd" });
  };
  const failure = async (bytes: Buffer, properties = {}) => {
    const { clock, broker, consumer } = setUp(properties);
    broker.store("t-0", batch("good"));
    broker.store("t-0", bytes);
    consumer.assign([tp()]);
    expect(values(await poll(clock, consumer))).toEqual(["good"]);
    const error = await poll(clock, consumer).catch((reason: unknown) => reason);
    expect(consumer.position(tp())).toBe(1);
    return error;
  };
  const wayOut = "To continue without its records, set the consumer group's offset to 4";

  test("when its checksum is wrong", async () => {
    const bytes = whole();
    bytes[70] = bytes[70]! ^ 1;
    expect(await failure(bytes)).toMatchObject({
      codeName: "CORRUPT_MESSAGE",
      reason: `Reading t-0 at offset 1: the record batch, in codec zstd, cannot be read: its checksum is wrong. ${wayOut}`,
    });
  });

  test("when it cannot be decompressed", async () => {
    const bytes = whole();
    bytes[61] = 0;
    expect(await failure(bytes, { "check.crcs": "false" })).toMatchObject({
      codeName: "CORRUPT_MESSAGE",
      reason: `Reading t-0 at offset 1: the record batch, in codec zstd, cannot be read: Not a zstd frame. ${wayOut}`,
    });
  });

  test("when its codec is not known", async () => {
    expect(await failure(restamped(whole(), { attributes: 6 }))).toMatchObject({
      codeName: "UNSUPPORTED_COMPRESSION_TYPE",
      reason: expect.stringMatching(
        /^Reading t-0 at offset 1: the record batch is in codec number 6\. .*zstd can be read$/,
      ),
    });
  });
});

/** The fetch offset of t-0 in a request. */
function offsetsOf({ topics }: { topics: { partitions: { partition: number; fetchOffset: number }[] }[] }): number[] {
  return topics
    .flatMap(({ partitions }) => partitions.filter(({ partition }) => partition === 0))
    .map((each) => each.fetchOffset);
}

describe("a reader advances by batch", () => {
  test("over gaps, batches without records and control batches, to the very end", async () => {
    const { clock, broker, consumer } = setUp();
    broker.store("t-0", batch("a", "b"));
    broker.store("t-0", emptyBatch(5));
    broker.store("t-0", batch("c"), 100);
    broker.store("t-0", marker(9, 1));
    consumer.assign([tp()]);
    const fetched = await poll(clock, consumer);
    expect(values(fetched)).toEqual(["a", "b", "c"]);
    expect(fetched.at(-1)?.nextOffset).toBe(102);
    expect(fetched.at(-1)?.end).toBe(102);
    expect(consumer.position(tp())).toBe(102);
  });

  test("and returns a position that moved without any record", async () => {
    const { clock, broker, consumer } = setUp();
    broker.store("t-0", emptyBatch(7));
    consumer.assign([tp()]);
    expect(await poll(clock, consumer)).toMatchObject([
      { topic: "t", partition: 0, records: [], nextOffset: 7, end: 7 },
    ]);
  });

  test("and names the codec of the last batch that held the records", async () => {
    const { clock, broker, consumer } = setUp();
    for (const codec of ["none", "gzip"] as const) {
      const writer = new RecordBatchWriter();
      for (const value of ["a", "b"]) writer.append(1, null, Buffer.from(value), []);
      broker.store("t-0", writer.finish({ codec }));
    }
    consumer.assign([tp()]);
    expect(await poll(clock, consumer)).toMatchObject([{ nextOffset: 4, codec: "gzip" }]);
  });

  test("a partial batch is delivered record by record, and never before the start position", async () => {
    const { clock, broker, consumer } = setUp({ "max.poll.records": "2" });
    broker.store("t-0", batch("a", "b", "c", "d", "e"));
    broker.store("t-0", batch("f"));
    consumer.assign([tp()]);
    consumer.seek(tp(), 1);
    const [first] = await poll(clock, consumer);
    expect([values([first!]), first?.nextOffset]).toEqual([["b", "c"], 3]);
    const [second] = await poll(clock, consumer);
    expect([values([second!]), second?.nextOffset]).toEqual([["d", "e"], 5]);
    const [third] = await poll(clock, consumer);
    expect([values([third!]), third?.nextOffset]).toEqual([["f"], 6]);
  });

  test("any mix of batches, faults and leader changes is read once and in order", async () => {
    const piece = fc.oneof(
      fc.record({ kind: fc.constant("records" as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant("empty" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("marker" as const), count: fc.constant(1) }),
      fc.record({ kind: fc.constant("gap" as const), count: fc.integer({ min: 1, max: 50 }) }),
    );
    const fault = fc.constantFrom<Fault>("drop", "lose", "NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT");
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 20 }),
        fc.array(fault, { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (pieces, faults, limit) => {
          const { clock, broker, consumer } = setUp({
            "max.poll.records": String(limit),
            "max.partition.fetch.bytes": "300",
          });
          broker.fail("Fetch", ...faults);
          const expected: string[] = [];
          let end = 0;
          for (const { kind, count } of [...pieces, { kind: "records" as const, count: 1 }]) {
            if (kind === "gap") {
              end += count;
              continue;
            }
            const names = Array.from({ length: count }, (_, at) => `${end + at}`);
            if (kind === "records") expected.push(...names);
            const content = kind === "records" ? batch(...names) : kind === "empty" ? emptyBatch(count) : marker(1, 1);
            broker.store("t-0", content, end);
            end += count;
          }
          consumer.assign([tp()]);
          const read: (string | undefined)[] = [];
          while (consumer.position(tp()) !== end) read.push(...values(await poll(clock, consumer)));
          expect(read).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("read_committed", () => {
  test("skips aborted records and keeps the committed ones between them", async () => {
    const { clock, broker, consumer } = setUp({ "isolation.level": "read_committed" });
    const log = [
      restamped(batch("aborted 1"), { attributes: TRANSACTIONAL, producerId: 1 }),
      restamped(batch("committed 2"), { attributes: TRANSACTIONAL, producerId: 2 }),
      batch("plain"),
      marker(1, 0),
      marker(2, 1),
      restamped(batch("committed 1"), { attributes: TRANSACTIONAL, producerId: 1 }),
      marker(1, 1),
    ];
    let offset = 0;
    for (const each of log) broker.store("t-0", each, offset++);
    broker.on(fetch, async (request) => {
      if (request.topics[0]?.partitions[0]?.fetchOffset === 7) await clock.delay(request.maxWaitMs);
      return {
        throttleTimeMs: 0,
        responses: request.topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition, fetchOffset }) => ({
            partitionIndex: partition,
            errorCode: 0,
            highWatermark: 9,
            lastStableOffset: 7,
            abortedTransactions: fetchOffset === 0 ? [{ producerId: 1, firstOffset: 0 }] : [],
            records: (broker.logs.get("t-0") ?? []).slice(fetchOffset),
          })),
        })),
      };
    });
    consumer.assign([tp()]);
    const fetched = await poll(clock, consumer);
    expect(values(fetched)).toEqual(["committed 2", "plain", "committed 1"]);
    // What an open transaction holds back is no lag: nobody can read it.
    expect([consumer.position(tp()), fetched.at(-1)?.end]).toEqual([7, 7]);
    expect(broker.requests(fetch)[0]?.isolationLevel).toBe(1);
  });
});

describe("trouble", () => {
  test("poll throws on a damaged batch, and the position stays before it", async () => {
    const { clock, broker, consumer } = setUp();
    broker.store("t-0", batch("a"));
    broker.store("t-0", batch("b"));
    const damaged = broker.logs.get("t-0")![1]!;
    damaged[damaged.length - 1]! ^= 1;
    consumer.assign([tp()]);
    expect(values(await poll(clock, consumer))).toEqual(["a"]);
    await expect(poll(clock, consumer)).rejects.toThrow(/Reading t-0 at offset 1.*checksum/);
    expect(consumer.position(tp())).toBe(1);
    damaged[damaged.length - 1]! ^= 1;
    expect(values(await poll(clock, consumer))).toEqual(["b"]);
  });

  test("a deleted offset is reset by auto.offset.reset, or poll throws", async () => {
    const earliest = setUp();
    earliest.broker.store("t-0", batch("kept"), 50);
    earliest.consumer.assign([tp()]);
    earliest.consumer.seek(tp(), 99);
    expect(values(await poll(earliest.clock, earliest.consumer))).toEqual(["kept"]);

    const none = setUp({ "auto.offset.reset": "none" });
    none.consumer.assign([tp()]);
    await expect(poll(none.clock, none.consumer)).rejects.toThrow(/t-0.*no position.*auto.offset.reset is none/);
    none.consumer.seek(tp(), 99);
    await expect(poll(none.clock, none.consumer)).rejects.toThrow(/Reading t-0 at 99.*OFFSET_OUT_OF_RANGE/);
    expect(none.consumer.position(tp())).toBe(99);
  });

  test.each(["earliest", "latest", "none"])(
    "retention that overtakes a slow reader takes nothing away that was fetched before (auto.offset.reset=%s)",
    async (reset) => {
      const { clock, broker, consumer } = setUp({ "auto.offset.reset": reset, "max.poll.records": "1" });
      for (const value of ["a", "b", "c"]) broker.store("t-0", batch(value));
      consumer.assign([tp()]);
      consumer.seek(tp(), 0);
      expect(values(await poll(clock, consumer))).toEqual(["a"]);
      broker.logs.delete("t-0");
      broker.store("t-0", batch("after the gap"), 50);
      const refused = broker.requests(fetch).length;
      await clock.advance(5_000);
      expect(broker.requests(fetch).length).toBeGreaterThan(refused);
      expect(values(await poll(clock, consumer))).toEqual(["b"]);
      expect(values(await poll(clock, consumer))).toEqual(["c"]);
      expect(consumer.position(tp())).toBe(3);
      if (reset === "none") {
        await expect(poll(clock, consumer)).rejects.toThrow(/Reading t-0 at 3.*OFFSET_OUT_OF_RANGE/);
        expect(consumer.position(tp())).toBe(3);
        return;
      }
      if (reset === "latest") {
        expect(await poll(clock, consumer, 1_000)).toEqual([]);
        broker.store("t-0", batch("new"));
      }
      expect(values(await poll(clock, consumer))).toEqual([reset === "latest" ? "new" : "after the gap"]);
    },
  );

  test("poll waits while a broker is down and reports it; then reading continues at the same position", async () => {
    const { clock, broker, consumer, waits } = setUp();
    broker.store("t-0", batch("a"));
    consumer.assign([tp()]);
    expect(values(await poll(clock, consumer))).toEqual(["a"]);
    broker.down.add(0);
    broker.disconnect();
    expect(await poll(clock, consumer, 5_000)).toEqual([]);
    expect(waits.at(-1)).toMatch(/no broker of bootstrap.servers/);
    broker.down.delete(0);
    broker.store("t-0", batch("b"));
    expect(values(await poll(clock, consumer))).toEqual(["b"]);
    expect(waits.at(-1)).toBeUndefined();
    expect(waits.length).toBeLessThan(5);
  });

  test("poll throws on missing authorization while other partitions deliver", async () => {
    const { clock, broker, consumer } = setUp({}, 2, 2);
    broker.store("t-0", batch("a"));
    broker.fail("Fetch", "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED");
    consumer.assign([tp(0), tp(1)]);
    await expect(poll(clock, consumer)).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/);
  });
});

describe("positions", () => {
  test("the answer to a request from before a seek is discarded", async () => {
    const { clock, broker, consumer } = setUp();
    for (const value of ["a", "b", "c"]) broker.store("t-0", batch(value));
    const answer = deferred();
    broker.fail("Fetch", answer.promise);
    consumer.assign([tp()]);
    consumer.seek(tp(), 2);
    const polled = consumer.poll(10_000);
    await clock.advance(10);
    consumer.seek(tp(), 0);
    answer.resolve();
    await clock.advance(10);
    expect(values(await polled)).toEqual(["a", "b", "c"]);
  });

  test("a paused partition keeps its position; others continue", async () => {
    const { clock, broker, consumer } = setUp({}, 2);
    broker.store("t-0", batch("a"));
    broker.store("t-1", batch("b"));
    consumer.assign([tp(0), tp(1)]);
    consumer.pause([tp(0)]);
    expect(values(await poll(clock, consumer))).toEqual(["b"]);
    expect(await poll(clock, consumer, 1_000)).toEqual([]);
    consumer.resume([tp(0)]);
    expect(values(await poll(clock, consumer))).toEqual(["a"]);
  });

  test("partitions that stay assigned keep their position and their records fetched ahead", async () => {
    const { clock, broker, consumer } = setUp({ "max.poll.records": "1" }, 2);
    broker.store("t-0", batch("a", "b"));
    consumer.assign([tp(0)]);
    await poll(clock, consumer);
    consumer.assign([tp(0), tp(1)]);
    expect(values(await poll(clock, consumer))).toEqual(["b"]);
  });

  test("poll returns nothing when its signal aborts", async () => {
    const { clock, consumer } = setUp();
    consumer.assign([tp()]);
    const stop = new AbortController();
    const polled = consumer.poll(60_000, stop.signal);
    await clock.advance(100);
    stop.abort();
    expect(await polled).toEqual([]);
  });
});

test("a busy partition does not wait behind the long poll of idle ones", async () => {
  const { clock, broker, consumer } = setUp({ "max.poll.records": "10", "max.partition.fetch.bytes": "2000" }, 3);
  for (let at = 0; at < 30; at++)
    broker.store("t-0", batch(...Array.from({ length: 10 }, (_, n) => `${at * 10 + n}`.padEnd(90))));
  consumer.assign([tp(0), tp(1), tp(2)]);
  const startMs = clock.monotonicMs();
  let count = 0;
  while (count < 300) {
    const polled = consumer.poll(10_000);
    await clock.advance(1);
    count += values(await polled).length;
  }
  expect(clock.monotonicMs() - startMs).toBeLessThan(500);
});

test("the bytes fetched ahead stay within their limits", async () => {
  const { clock, broker, consumer } = setUp({ "fetch.max.bytes": "4000", "max.partition.fetch.bytes": "1000" }, 20);
  for (let partition = 0; partition < 20; partition++) {
    for (let at = 0; at < 10; at++) broker.store(`t-${partition}`, batch("x".repeat(900)));
  }
  consumer.assign(Array.from({ length: 20 }, (_, partition) => tp(partition)));
  await poll(clock, consumer, 0);
  await clock.advance(5_000);
  const asked = broker.requests(fetch).length;
  await clock.advance(60_000);
  expect(broker.requests(fetch)).toHaveLength(asked);
});

test("a paused partition that holds the whole budget does not starve the others", async () => {
  const { clock, broker, consumer } = setUp({ "fetch.max.bytes": "1000", "max.poll.records": "1" }, 2);
  for (let at = 0; at < 3; at++) broker.store("t-0", batch("x".repeat(900)));
  consumer.assign([tp(0)]);
  await poll(clock, consumer);
  consumer.pause([tp(0)]);
  consumer.assign([tp(0), tp(1)]);
  broker.store("t-1", batch("y"));
  expect(values(await poll(clock, consumer))).toEqual(["y"]);
  // The records that it held are not lost.
  const asked = broker.requests(fetch).length;
  consumer.resume([tp(0)]);
  expect(values(await poll(clock, consumer, 0))).toEqual(["x".repeat(900)]);
  expect(broker.requests(fetch).slice(asked).flatMap(offsetsOf)).not.toContain(1);
});

test("a closed consumer throws instead of returning nothing forever", async () => {
  const { clock, client, consumer } = setUp();
  consumer.assign([tp()]);
  const polled = consumer.poll(60_000);
  await clock.advance(10);
  await consumer.close();
  expect(await polled).toEqual([]);
  await expect(consumer.poll(1_000)).rejects.toThrow("The consumer was closed");
  expect(() => consumer.assign([tp()])).toThrow("The consumer was closed");
  expect(() => consumer.seek(tp(), 0)).toThrow("The consumer was closed");
  await client.close();
});

test("a closed client creates nothing and sends nothing", async () => {
  const { clock, client } = setUp();
  await client.close();
  expect(() => client.consumer({})).toThrow("The client was closed");
  expect(() => client.producer({}, { acknowledged() {}, failed() {} })).toThrow("The client was closed");
  const refused = expect(client.admin.listTopics()).rejects.toThrow("The client was closed");
  const refusedToo = expect(client.admin.listGroupOffsets("g")).rejects.toThrow("The client was closed");
  await clock.settled();
  await refused;
  await refusedToo;
  expect(clock.pendingTimers).toBe(0);
});
