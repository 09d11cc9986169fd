import type { RequestOf } from "../../protocol/api.js";
import { electLeaders as api } from "../../protocol/apis/elect-leaders.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";

/** Kinds of elections. */
const PREFERRED = 0;
const UNCLEAN = 1;

/**
 * ElectLeaders (key 43), v0-v2.
 * Every partition has its leader already: this broker. Asked for all of them, it names their topics alone, as Kafka does. v1: the kind of election;
 * v2: flexible.
 */
export const electLeaders = defineHandler(api, {
  versions: [0, 2],
  authorize: toCluster("ALTER"),
  handle({ electionType, topicPartitions }, { broker }) {
    const isKind = electionType === PREFERRED || electionType === UNCLEAN;
    if (!isKind) return refused(topicPartitions, ErrorCodes.INVALID_REQUEST);
    const asked = topicPartitions ?? broker.topics.all().map(({ name }) => ({ topic: name, partitions: [] }));
    const replicaElectionResults = asked.map(({ topic, partitions }) => ({
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
  refuse: ({ topicPartitions }, errorCode) => refused(topicPartitions, errorCode),
});

function refused(topicPartitions: RequestOf<typeof api>["topicPartitions"], errorCode: number) {
  return {
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage: null })),
    })),
  };
}
