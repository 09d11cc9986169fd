import { deleteRecords as api } from "../../protocol/apis/delete-records.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type Broker, defineHandler } from "../handler.js";

const HIGH_WATERMARK = -1;

/**
 * DeleteRecords (key 21), v0-v2.
 * Raises the first readable offset, on disk before the answer. v2: flexible.
 */
export const deleteRecords = defineHandler(api, {
  versions: [0, 2],
  authorize: "by resource",
  async handle({ topics }, { broker, access }) {
    // Of a partition that is named twice the last offset counts, as in Kafka.
    const asked = new Map<string, Map<number, number>>();
    for (const { name, partitions } of topics) {
      const offsets = asked.get(name) ?? new Map<number, number>();
      asked.set(name, offsets);
      for (const { partitionIndex, offset } of partitions) offsets.set(partitionIndex, offset);
    }
    const answers = [...asked].map(async ([name, offsets]) => {
      const isAllowed = access.allows("DELETE", "TOPIC", name);
      const deleted = [...offsets].map(async ([partitionIndex, offset]) => {
        if (!isAllowed) return { partitionIndex, ...refused(ErrorCodes.TOPIC_AUTHORIZATION_FAILED) };
        return { partitionIndex, ...(await deleteBelow(name, partitionIndex, offset, broker)) };
      });
      return { name, partitions: await Promise.all(deleted) };
    });
    return { throttleTimeMs: 0, topics: await Promise.all(answers) };
  },
});

async function deleteBelow(name: string, partition: number, offset: number, { topics, logger }: Broker) {
  const topic = topics.get(name);
  const log = topic?.logs[partition];
  if (!log) return refused(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  if (topic.isInternal) return refused(ErrorCodes.INVALID_TOPIC_EXCEPTION);
  if (log.offline) return refused(log.offline.code);
  if (!log.config.cleanupPolicy.has("delete")) return refused(ErrorCodes.POLICY_VIOLATION);
  const target = offset === HIGH_WATERMARK ? log.highWatermark : offset;
  if (target < 0 || target > log.highWatermark) return refused(ErrorCodes.OFFSET_OUT_OF_RANGE);
  try {
    await topics.deleteRecords(name, partition, target);
  } catch (cause) {
    logger.error("Deleting records failed", { topic: name, partition }, cause);
    return refused(cause instanceof KafkaError ? cause.code : ErrorCodes.KAFKA_STORAGE_ERROR);
  }
  return { lowWatermark: log.logStartOffset, errorCode: ErrorCodes.NONE };
}

function refused(errorCode: number) {
  return { lowWatermark: -1, errorCode };
}
