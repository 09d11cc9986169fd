import { electLeaders as api } from "../../protocol/apis/elect-leaders.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";

/**
 * ElectLeaders (key 43), v0-v2.
 * Every partition has its leader already: this broker. Asked for all of them, it names none. v1: the kind of election;
 * v2: flexible.
 */
export const electLeaders = defineHandler(api, {
  versions: [0, 2],
  authorize: toCluster("ALTER"),
  handle({ topicPartitions }, { broker }) {
    const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => {
        const isKnown = broker.topics.log(topic, partitionId) !== undefined;
        return isKnown
          ? {
              partitionId,
              errorCode: ErrorCodes.ELECTION_NOT_NEEDED,
              errorMessage: "Leader election not needed for topic partition.",
            }
          : {
              partitionId,
              errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
              errorMessage: "This server does not host this topic-partition.",
            };
      }),
    }));
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, replicaElectionResults };
  },
  refuse: ({ topicPartitions }, errorCode) => ({
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage: null })),
    })),
  }),
});
