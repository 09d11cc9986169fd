import type { RequestOf } from "../../protocol/api.js";
import { writeTxnMarkers as api } from "../../protocol/apis/write-txn-markers.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { TransactionMarker } from "../../protocol/records/transaction-marker.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { type Broker, defineHandler } from "../handler.js";

/**
 * WriteTxnMarkers (key 27), v1-v2.
 * Ends transactions in partitions, whatever their coordinator knows: administrators abort hanging ones with it. v2: the
 * version of the transaction.
 */
export const writeTxnMarkers = defineHandler(api, {
  versions: [1, 2],
  authorize: (_, access) => {
    const isAllowed =
      access.shows("ALTER", "CLUSTER", CLUSTER_NAME) || access.allows("CLUSTER_ACTION", "CLUSTER", CLUSTER_NAME);
    return isAllowed ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED";
  },
  async handle({ markers }, { broker }) {
    const asked = markers.filter(({ topics }) => topics.length > 0);
    return { markers: await Promise.all(asked.map((each) => writeAll(each, broker))) };
  },
  refuse: ({ markers }, errorCode) => ({
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    })),
  }),
});

async function writeAll(asked: RequestOf<typeof api>["markers"][number], broker: Broker) {
  const { producerId, producerEpoch, transactionResult, coordinatorEpoch } = asked;
  const kind = transactionResult ? "COMMIT" : "ABORT";
  const marker = { producerId, producerEpoch, kind, coordinatorEpoch } as const;
  const topics = asked.topics.map(async ({ name, partitionIndexes }) => {
    const partitions = partitionIndexes.map(async (partitionIndex) => {
      return { partitionIndex, errorCode: await write(name, partitionIndex, marker, broker) };
    });
    return { name, partitions: await Promise.all(partitions) };
  });
  return { producerId, topics: await Promise.all(topics) };
}

async function write(
  topic: string,
  partition: number,
  marker: TransactionMarker,
  { topics, markers }: Broker,
): Promise<number> {
  const log = topics.log(topic, partition);
  if (!log) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  try {
    const offset = markers.append(topic, partition, log, marker);
    await log.settled(offset + 1);
    return ErrorCodes.NONE;
  } catch (cause) {
    if (!(cause instanceof KafkaError)) throw cause;
    return cause.code;
  }
}
