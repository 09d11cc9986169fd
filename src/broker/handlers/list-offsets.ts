import type { RequestOf } from "../../protocol/api.js";
import { listOffsets as api } from "../../protocol/apis/list-offsets.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type Call, defineHandler } from "../handler.js";
import { type FoundOffset, NOT_FOUND, offsetForTime, offsetOfMaxTimestamp } from "../log/offset-lookup.js";
import type { PartitionLog } from "../log/partition-log.js";
import type { Isolation } from "../log/waiting-readers.js";
import { isIsolationLevel, isolationOf } from "./isolation-level.js";
import { leaderEpochFault } from "./topic-reference.js";

type PartitionRequest = RequestOf<typeof api>["topics"][number]["partitions"][number];

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
/** The version that introduced each of the special timestamps. */
const SINCE: Readonly<Record<number, number>> = {
  [LATEST]: 1,
  [EARLIEST]: 1,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};

/**
 * ListOffsets (key 2), v1-v11.
 * Finds the ends of a partition, or the first record at a time. For readers of committed records the partition ends at the
 * last stable offset (v2+).
 * v4: leader epochs; v6: flexible; v7: maximum timestamp; v8, v9, v11: tiered storage, which does not exist here.
 */
export const listOffsets = defineHandler(api, {
  versions: [1, 11],
  authorize: "by resource",
  handle(request, call) {
    const { topics, isolationLevel } = request;
    if (!isIsolationLevel(isolationLevel)) return refused(request, ErrorCodes.UNKNOWN_SERVER_ERROR);
    const isolation = isolationOf(isolationLevel);
    const answers = topics.map(({ name, partitions }) => {
      if (!call.access.allows("DESCRIBE", "TOPIC", name)) {
        const errorCode = ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
        return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
      }
      const counts = new Map<number, number>();
      for (const { partitionIndex } of partitions) counts.set(partitionIndex, (counts.get(partitionIndex) ?? 0) + 1);
      const distinct = new Map(partitions.map((asked) => [asked.partitionIndex, asked]));
      return {
        name,
        partitions: [...distinct.values()].map((asked) => {
          const { partitionIndex } = asked;
          if (counts.get(partitionIndex)! > 1) return { partitionIndex, errorCode: ErrorCodes.INVALID_REQUEST };
          return { partitionIndex, ...lookUp(name, asked, isolation, call) };
        }),
      };
    });
    return { throttleTimeMs: 0, topics: answers };
  },
  refuse: refused,
});

function refused({ topics }: RequestOf<typeof api>, errorCode: number) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => {
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
    }),
  };
}

function lookUp(name: string, asked: PartitionRequest, isolation: Isolation, { broker, apiVersion }: Call) {
  const log = broker.topics.log(name, asked.partitionIndex);
  if (!log) return { errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  const fault = leaderEpochFault(asked.currentLeaderEpoch, log.leaderEpoch);
  if (fault !== ErrorCodes.NONE) return { errorCode: fault };
  const { timestamp } = asked;
  if (timestamp < 0 && apiVersion < (SINCE[timestamp] ?? Number.POSITIVE_INFINITY)) {
    return { errorCode: ErrorCodes.UNSUPPORTED_VERSION };
  }
  if (log.offline) return { errorCode: log.offline.code };
  try {
    return { errorCode: ErrorCodes.NONE, ...place(log, timestamp, log.endFor(isolation)) };
  } catch (cause) {
    // The other partitions are still answered.
    broker.logger.error("Looking up an offset failed", { topic: name, partition: asked.partitionIndex }, cause);
    return { errorCode: cause instanceof KafkaError ? cause.code : ErrorCodes.UNKNOWN_SERVER_ERROR };
  }
}

function place(log: PartitionLog, timestamp: number, end: number): FoundOffset {
  const { leaderEpoch } = log;
  switch (timestamp) {
    case LATEST:
      return { offset: end, timestamp: -1, leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.logStartOffset, timestamp: -1, leaderEpoch };
    case MAX_TIMESTAMP:
      return offsetOfMaxTimestamp(log, end);
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOT_FOUND;
    default:
      return offsetForTime(log, timestamp, end);
  }
}
