import { partitionOfId } from "../../src/broker/internal-topics/coordinator-log.js";
import { fetch } from "../../src/protocol/apis/fetch.js";
import { metadata } from "../../src/protocol/apis/metadata.js";
import { nextOffsetOf, walkBatches } from "../../src/protocol/records/record-batch.js";
import { readRecords } from "../../src/protocol/records/record-batch-reader.js";
import type { BrokerClient } from "../support/broker-client.js";

/** The versions of the keys of a consumer group's records. */
export const CONSUMER_KEYS: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 16]);

/** All records of the partition of `__consumer_offsets` that holds a group. */
export async function recordsOf(client: BrokerClient, group: string): Promise<{ key: Buffer; value: Buffer | null }[]> {
  const asked = { topics: [{ name: "__consumer_offsets" }], allowAutoTopicCreation: false };
  const { topics: described } = await client.request(metadata, 9, asked);
  const partition = partitionOfId(group, described[0]!.partitions.length);
  const found: { key: Buffer; value: Buffer | null }[] = [];
  for (let fetchOffset = 0; ; ) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }];
    const topics = [{ topic: "__consumer_offsets", partitions }];
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel: 0 };
    const { responses } = await client.request(fetch, 12, { ...limits, topics });
    const { records, highWatermark } = responses[0]!.partitions[0]!;
    for (const batch of walkBatches(records ?? Buffer.alloc(0))) {
      for (const { key, value } of readRecords(batch.bytes)) found.push({ key: key!, value });
      fetchOffset = nextOffsetOf(batch.header);
    }
    if (fetchOffset >= highWatermark) return found;
  }
}
