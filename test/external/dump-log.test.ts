import { basename, dirname, extname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordOf, send, transactional } from "../support/export-run.js";
import { kafkaClient } from "../support/kafka-client.js";
import { BundledBroker } from "./clients/bundled-broker.js";
import { JavaTools } from "./clients/java-tools.js";
import { findPeers, installPeers } from "./peers.js";

const { script, missing } = findPeers();
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const TRANSACTIONS = 60;
const COMMITS = 40;

/** Small segments with an index entry for every few batches. */
const PROPERTIES = {
  "millrace.segment.bytes.min": "100",
  "log.segment.bytes": "3000",
  "log.index.interval.bytes": "200",
  "log.cleaner.backoff.ms": "50",
  "offsets.topic.num.partitions": "1",
  "offsets.topic.segment.bytes": "2000",
  "transaction.state.log.num.partitions": "1",
  "transaction.state.log.segment.bytes": "1000",
};

describe.skipIf(missing)("kafka-dump-log.sh on the files of the bundled broker", () => {
  let broker: BundledBroker;
  let tools: JavaTools;
  beforeAll(async () => {
    const logging = `-Dlog4j2.configurationFile=${join(dirname(script), "log4j2.properties")}`;
    tools = new JavaTools([join(await installPeers(script), "libs")], [logging]);
    broker = await BundledBroker.start(PROPERTIES);
    const client = kafkaClient(broker.bootstrap);
    const create = (name: string, configs: Readonly<Record<string, string>> = {}) =>
      client.admin.createTopics([{ name, partitions: 1, replicationFactor: -1, configs }]);
    await create("codecs");
    for (const codec of CODECS) {
      for (let at = 0; at < 40; at++) {
        const timestampMs = 1_700_000_000_000 + (at % 7);
        const records = [recordOf("codecs", 0, `k${at}`, `${codec} ${at}`, { timestampMs })];
        await send(client, [...records, recordOf("codecs", 0, null, null)], codec);
      }
    }
    await create("transactions");
    const producer = await transactional(client, "writer");
    for (let at = 0; at < TRANSACTIONS; at++) {
      producer.begin();
      await producer.send([recordOf("transactions", 0, "k", `transaction ${at}`, { timestampMs: Date.now() })]);
      await (at % 3 === 0 ? producer.abort() : producer.commit());
    }
    await create("compacted", { "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01" });
    for (let at = 0; at < 100; at++) await send(client, [recordOf("compacted", 0, `k${at % 7}`, `value ${at}`)]);
    for (let offset = 0; offset < COMMITS; offset++) {
      await client.admin.alterGroupOffsets(`group ${offset % 3}`, [{ topic: "codecs", partition: 0, offset }]);
    }
    await client.close();
    await broker.end();
  });
  afterAll(() => broker?.stop());

  /** What the tool prints of a topic's files of one kind, and complains about. */
  async function dump(topic: string, extension: string, ...flags: string[]) {
    const files = broker.filesOf(topic).filter((path) => extname(path) === extension);
    expect(files.length).toBeGreaterThan(0);
    const args = ["--files", files.toSorted().join(), ...flags];
    const { stdout, stderr } = await tools.outputs("org.apache.kafka.tools.DumpLogSegments", args);
    return { lines: stdout.split("\n"), complaints: stderr.trim(), files };
  }
  const matching = (lines: readonly string[], pattern: RegExp) => lines.filter((line) => pattern.test(line));

  test("segments: batches of each codec, transactions with their markers, and what compaction has left", async () => {
    const codecs = await dump("codecs", ".log", "--print-data-log");
    for (const codec of CODECS) {
      expect(matching(codecs.lines, new RegExp(`^\\| offset: .* payload: ${codec} \\d+$`))).toHaveLength(40);
      expect(
        matching(codecs.lines, new RegExp(`^baseOffset: .* compresscodec: ${codec} .*isvalid: true$`)),
      ).toHaveLength(40);
    }
    // The tool says of the first offset of each segment but the log's first that it does not follow -1.
    const gaps = matching(codecs.complaints.split("\n"), / is followed by /);
    const starts = codecs.files.map((path) => Number(basename(path, ".log"))).filter((offset) => offset > 0);
    expect(gaps.toSorted()).toEqual(starts.map((offset) => `  -1 is followed by ${offset}`).toSorted());

    const { lines } = await dump("transactions", ".log", "--print-data-log");
    expect(matching(lines, /endTxnMarker: COMMIT coordinatorEpoch: 0$/)).toHaveLength(40);
    expect(matching(lines, /endTxnMarker: ABORT coordinatorEpoch: 0$/)).toHaveLength(20);
    expect(matching(lines, /^baseOffset: .*isvalid: false/)).toEqual([]);

    const compacted = await dump("compacted", ".log", "--print-data-log");
    const kept = matching(compacted.lines, /^\| offset: .* key: k\d payload: value \d+$/);
    expect(kept.length).toBeGreaterThanOrEqual(7);
    expect(kept.length).toBeLessThan(100);
    expect(matching(compacted.lines, /^baseOffset: .*isvalid: false/)).toEqual([]);
  });

  test.each(["codecs", "transactions", "compacted", "__consumer_offsets", "__transaction_state"])(
    "the indexes of %s: each entry is that of a batch in the segment",
    async (topic) => {
      const offsets = await dump(topic, ".index");
      const times = await dump(topic, ".timeindex");
      expect(matching(offsets.lines, /^offset: \d+ position: \d+$/).length).toBeGreaterThan(0);
      expect(matching(times.lines, /^timestamp: \d+ offset: \d+$/).length).toBeGreaterThan(0);
      expect([offsets.complaints, times.complaints]).toEqual(["", ""]);
      const isSane = await dump(topic, ".index", "--index-sanity-check");
      const passed = matching(isSane.lines, / (passed sanity check|is empty)\.$/);
      expect([isSane.complaints, passed.length]).toEqual(["", isSane.files.length]);
    },
  );

  test("transaction indexes and producer snapshots", async () => {
    const aborted = await dump("transactions", ".txnindex");
    const entries = matching(
      aborted.lines,
      /^version: 0 producerId: 0 firstOffset: \d+ lastOffset: \d+ lastStableOffset: /,
    );
    // Those of the last segment are in no file yet.
    expect(entries.length).toBeGreaterThan(10);
    expect(aborted.complaints).toBe("");
    const snapshots = await dump("transactions", ".snapshot");
    expect(matching(snapshots.lines, /^producerId: 0 .* lastOffset: 118 offsetDelta: 0 /)).toHaveLength(1);
    expect(snapshots.complaints).toBe("");
  });

  test("the topics of the coordinators, as Kafka's records", async () => {
    const offsets = await dump("__consumer_offsets", ".log", "--offsets-decoder");
    const [last] = matching(offsets.lines, /"group":"group 0".*"offset":39/);
    expect(last).toMatch(/"topic":"codecs","partition":0/);
    const transactions = await dump("__transaction_state", ".log", "--transaction-log-decoder");
    expect(matching(transactions.lines, /"transactionalId":"writer".*"transactionStatus":\d/).length).toBeGreaterThan(
      0,
    );
  });
});
