import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import {
  checkCrc,
  isControlBatch,
  isTransactional,
  nextOffsetOf,
  readControlType,
  walkBatches,
} from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import type { BrokerClient } from "../broker-client.js";

const MOST_BYTES = 1_000_000;
const ABORT = 0;

/** A record as texts, at its place. */
export interface KeptRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  /** Of a transaction. */
  readonly producerId: number | undefined;
}

interface Marker {
  readonly offset: number;
  readonly producerId: number;
  readonly isCommit: boolean;
}

/** @throws Error naming the code when the broker refuses. */
export function accepted(errorCode: number, what: string): void {
  if (errorCode !== ErrorCodes.NONE) throw new Error(`${what} was answered with ${errorCode}`);
}

/** Creates a topic. @throws Error when it is refused. */
export async function create(
  client: BrokerClient,
  name: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const list = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: list };
  const { topics } = await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  accepted(topics[0]!.errorCode, `CreateTopics of ${name}`);
}

/** Sends one batch with acks=all. Returns its base offset. @throws Error when it is refused. */
export async function send(
  client: BrokerClient,
  topic: string,
  partition: number,
  batch: Buffer,
  { transactionalId = null, version = 9 }: { readonly transactionalId?: string | null; readonly version?: number } = {},
): Promise<number> {
  const topicData = [{ name: topic, partitionData: [{ index: partition, records: batch }] }];
  const request = { transactionalId, acks: -1, timeoutMs: 10_000, topicData };
  const { responses } = await client.request(produce, version, request);
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  accepted(errorCode, `Produce to ${topic}-${partition}`);
  return baseOffset;
}

/** What one Fetch has found. */
export interface Fetched {
  readonly records: readonly KeptRecord[];
  readonly markers: readonly Marker[];
  readonly nextOffset: number;
  /** Where readers of this isolation end now. */
  readonly end: number;
}

/** One Fetch. @throws Error when it is refused, or holds a wrong checksum or offsets that do not rise. */
export async function fetchFrom(
  client: BrokerClient,
  topic: string,
  partition: number,
  isolation: "read_committed" | "read_uncommitted",
  fetchOffset: number,
  maxWaitMs = 0,
): Promise<Fetched> {
  const isolationLevel = isolation === "read_committed" ? 1 : 0;
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: MOST_BYTES }];
  const request = { maxWaitMs, minBytes: 1, maxBytes: MOST_BYTES, isolationLevel, topics: [{ topic, partitions }] };
  const { responses } = await client.request(fetch, 12, request);
  const answer = responses[0]!.partitions[0]!;
  accepted(answer.errorCode, `Fetch of ${topic}-${partition} at ${fetchOffset}`);
  const aborted = (answer.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  const records: KeptRecord[] = [];
  const markers: Marker[] = [];
  let nextOffset = fetchOffset;
  for (const { header, bytes } of walkBatches(answer.records ?? Buffer.alloc(0))) {
    const place = `${topic}-${partition} at ${header.baseOffset}`;
    if (!checkCrc(bytes, header)) throw new Error(`The checksum of ${place} is wrong`);
    if (nextOffsetOf(header) <= nextOffset) throw new Error(`${place} was read after ${nextOffset}`);
    nextOffset = nextOffsetOf(header);
    while (aborted.length > 0 && aborted[0]!.firstOffset < nextOffset) aborting.add(aborted.shift()!.producerId);
    if (isControlBatch(header)) {
      const { producerId, baseOffset: offset } = header;
      const [marker] = readRecords(bytes);
      if (!marker) continue;
      const isCommit = readControlType(new ByteReader(marker.key!)) !== ABORT;
      if (!isCommit) aborting.delete(producerId);
      markers.push({ offset, producerId, isCommit });
    } else if (!isTransactional(header) || !aborting.has(header.producerId)) {
      const producerId = isTransactional(header) ? header.producerId : undefined;
      for (const { offset, key, value } of readRecords(bytes))
        if (offset >= fetchOffset) records.push({ offset, key: text(key), value: text(value), producerId });
    }
  }
  return { records, markers, nextOffset, end: isolationLevel === 1 ? answer.lastStableOffset : answer.highWatermark };
}

/** All records of a partition. @throws as `fetchFrom`. */
export async function contentOf(
  client: BrokerClient,
  topic: string,
  partition: number,
): Promise<readonly KeptRecord[]> {
  return (await readFrom(client, topic, partition, "read_uncommitted", 0)).records;
}

/**
 * All committed records of a partition: those that readers of committed records get, and those behind the open
 * transaction that holds these readers back. @throws as `fetchFrom`.
 */
export async function committedContentOf(
  client: BrokerClient,
  topic: string,
  partition: number,
): Promise<readonly KeptRecord[]> {
  const seen = await readFrom(client, topic, partition, "read_committed", 0);
  const rest = await readFrom(client, topic, partition, "read_uncommitted", seen.nextOffset);
  const behind = rest.records.filter(({ offset, producerId }) => {
    if (producerId === undefined) return true;
    return rest.markers.find((marker) => marker.producerId === producerId && marker.offset > offset)?.isCommit === true;
  });
  return [...seen.records, ...behind];
}

async function readFrom(
  client: BrokerClient,
  topic: string,
  partition: number,
  isolation: "read_committed" | "read_uncommitted",
  offset: number,
): Promise<Pick<Fetched, "records" | "markers" | "nextOffset">> {
  const records: KeptRecord[] = [];
  const markers: Marker[] = [];
  for (let from = offset; ; ) {
    const fetched = await fetchFrom(client, topic, partition, isolation, from);
    records.push(...fetched.records);
    markers.push(...fetched.markers);
    if (fetched.nextOffset >= fetched.end) return { records, markers, nextOffset: fetched.nextOffset };
    if (fetched.nextOffset === from)
      throw new Error(`${topic}-${partition} has nothing at ${from}, but ends at ${fetched.end}`);
    from = fetched.nextOffset;
  }
}

function text(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString("utf8");
}
