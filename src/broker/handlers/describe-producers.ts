import { describeProducers as api } from "../../protocol/apis/describe-producers.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import { defineHandler } from "../handler.js";
import type { PartitionLog } from "../log/partition-log.js";

/**
 * DescribeProducers (key 61), v0.
 * Lists the producers of partitions: `kafka-transactions` looks for hanging transactions with it.
 */
export const describeProducers = defineHandler(api, {
  versions: [0, 0],
  authorize: "by resource",
  handle: ({ topics }, { broker, access }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => {
      const isAllowed = access.allows("READ", "TOPIC", name);
      const partitions = partitionIndexes.map((index) => {
        if (!isAllowed) return refused(index, ErrorCodes.TOPIC_AUTHORIZATION_FAILED);
        if (topicNameFault(name)) return refused(index, ErrorCodes.INVALID_TOPIC_EXCEPTION);
        return describe(index, broker.topics.log(name, index));
      });
      return { name, partitions };
    }),
  }),
  refuse: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => refused(index, errorCode)),
    })),
  }),
});

function describe(partitionIndex: number, log: PartitionLog | undefined) {
  if (!log) return refused(partitionIndex, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  if (log.offline) return refused(partitionIndex, log.offline.code);
  const activeProducers = [...log.producers.entries()].map((entry) => ({
    producerId: entry.producerId,
    producerEpoch: entry.epoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: entry.lastTimestampMs,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.transactionStart,
  }));
  return { partitionIndex, errorCode: ErrorCodes.NONE, activeProducers };
}

function refused(partitionIndex: number, errorCode: number) {
  return { partitionIndex, errorCode, activeProducers: [] };
}
