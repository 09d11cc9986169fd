import type { RecordHeader } from "../../src/api/record-headers.js";
import { SystemClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import { exportCluster } from "../../src/export/cluster-export.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import type { ProducerRecord } from "../../src/kafka/client/producer.js";
import { createKafkaClient } from "../../src/kafka/create-kafka-client.js";

const clock = new SystemClock();
const random = new SystemRandom();
const listener = { acknowledged() {}, failed() {} };

/** A client that a test closes. */
export function clientOf(bootstrap: string, properties: Readonly<Record<string, string>> = {}): KafkaClient {
  return createKafkaClient({
    properties: { "bootstrap.servers": bootstrap, ...properties },
    clock,
    random,
    logger: silentLogger,
  });
}

export interface ExportTestOptions {
  readonly topics?: readonly string[];
  readonly replicationFactor?: number;
  readonly keepsOffsets?: boolean;
  readonly signal?: AbortSignal;
  readonly readTimeoutMs?: number;
  /** Called with each line of the report. */
  readonly onLine?: (line: string) => void;
}

/** Exports one cluster to another; returns the report. */
export async function runExport(
  from: KafkaClient,
  to: KafkaClient,
  options: ExportTestOptions = {},
): Promise<{ readonly isComplete: boolean; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const isComplete = await exportCluster({
    from,
    to,
    clock,
    logger: silentLogger,
    signal: options.signal ?? new AbortController().signal,
    readTimeoutMs: options.readTimeoutMs ?? 60_000,
    topics: options.topics,
    replicationFactor: options.replicationFactor ?? -1,
    keepsOffsets: options.keepsOffsets ?? true,
    print: (line) => {
      lines.push(line);
      options.onLine?.(line);
    },
  });
  return { isComplete, lines };
}

/** A record as it is compared: everything but the offset, which may change. */
export interface ComparedRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: readonly RecordHeader[];
}

/** The committed records of a partition, from the first to the end, with their offsets. */
export async function readAll(
  client: KafkaClient,
  topic: string,
  partition: number,
): Promise<{ readonly offsets: readonly number[]; readonly records: readonly ComparedRecord[] }> {
  const at = { topic, partition };
  const [end] = await client.admin.endOffsets([at], undefined, "read_committed");
  const [start] = await client.admin.startOffsets([at]);
  const consumer = client.consumer({ properties: { "isolation.level": "read_committed" } });
  consumer.assign([at]);
  consumer.seek(at, start!.offset);
  const offsets: number[] = [];
  const records: ComparedRecord[] = [];
  while (consumer.position(at)! < end!.offset) {
    for (const fetched of await consumer.poll(10_000)) {
      for (const { offset, key, value, timestampMs, headers } of fetched.records) {
        offsets.push(offset);
        records.push({
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          timestampMs,
          headers: headers.map((header) => ({ key: header.key, value: header.value && Buffer.from(header.value) })),
        });
      }
    }
  }
  await consumer.close();
  return { offsets, records };
}

export function recordOf(
  topic: string,
  partition: number,
  key: string | null,
  value: string | null,
  more: Partial<ProducerRecord> = {},
): ProducerRecord {
  return {
    topic,
    partition,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestampMs: 1_700_000_000_000,
    headers: [],
    ...more,
  };
}

/** Writes records with one codec. */
export async function send(client: KafkaClient, records: readonly ProducerRecord[], codec = "none"): Promise<void> {
  const producer = client.producer({ properties: { "compression.type": codec } }, listener);
  await producer.send(records);
  await producer.close(0);
}

/** A producer for a test's transactions. */
export async function transactional(client: KafkaClient, transactionalId: string) {
  const producer = client.transactionalProducer({ transactionalId }, listener);
  await producer.init();
  return producer;
}
