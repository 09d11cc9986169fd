import { offsetForLeaderEpoch as api } from "../../protocol/apis/offset-for-leader-epoch.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";
import { leaderEpochFault } from "./topic-reference.js";

/**
 * OffsetForLeaderEpoch (key 23), v2-v4.
 * Answers the end offset of an epoch (a start of this broker): a client that has read further learns of a truncation.
 * v4: flexible.
 */
export const offsetForLeaderEpoch = defineHandler(api, {
  versions: [2, 4],
  authorize: "by resource",
  handle: ({ topics }, { broker, access }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ topic, partitions }) => {
      const isAllowed = access.allows("DESCRIBE", "TOPIC", topic);
      const answers = partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        if (!isAllowed) return { errorCode: ErrorCodes.TOPIC_AUTHORIZATION_FAILED, partition };
        const log = broker.topics.log(topic, partition);
        if (!log) return { errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, partition };
        // Its epochs may be unknown: a consumer would take the log for truncated.
        if (log.offline) return { errorCode: log.offline.code, partition };
        const errorCode = leaderEpochFault(currentLeaderEpoch, log.leaderEpoch);
        return errorCode === ErrorCodes.NONE
          ? { errorCode, partition, ...log.endOfEpoch(leaderEpoch) }
          : { errorCode, partition };
      });
      return { topic, partitions: answers };
    }),
  }),
});
