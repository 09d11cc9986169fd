import { deleteRecords as api } from "../../protocol/apis/delete-records.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { type Broker, defineHandler } from "../handler.js";

const HIGH_WATERMARK = -1;

/**
 * DeleteRecords (key 21), v0-v2.
 * Raises the first readable offset, on disk before the answer. v2: flexible.
 */
export const deleteRecords = defineHandler(api, {
  versions: [0, 2],
  handle: ({ topics }, { broker }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        return { partitionIndex, ...deleteBelow(name, partitionIndex, offset, broker) };
      }),
    })),
  }),
});

function deleteBelow(name: string, partition: number, offset: number, { topics }: Broker) {
  const refused = (errorCode: number) => ({ lowWatermark: -1, errorCode });
  const topic = topics.get(name);
  const log = topic?.logs[partition];
  if (!log) return refused(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  if (topic.isInternal) return refused(ErrorCodes.INVALID_TOPIC_EXCEPTION);
  if (!log.config.cleanupPolicy.has("delete")) return refused(ErrorCodes.POLICY_VIOLATION);
  const target = offset === HIGH_WATERMARK ? log.logEndOffset : offset;
  if (target < 0 || target > log.logEndOffset) return refused(ErrorCodes.OFFSET_OUT_OF_RANGE);
  topics.deleteRecords(name, partition, target);
  return { lowWatermark: log.logStartOffset, errorCode: ErrorCodes.NONE };
}
