import { resolve } from "node:path";
import { alterReplicaLogDirs as api } from "../../protocol/apis/alter-replica-log-dirs.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";

/**
 * AlterReplicaLogDirs (key 34), v1-v2.
 * There is one folder of logs, in which every partition is already. v2: flexible.
 */
export const alterReplicaLogDirs = defineHandler(api, {
  versions: [1, 2],
  authorize: toCluster("ALTER"),
  handle({ dirs }, { broker }) {
    const folder = resolve(broker.properties.text("log.dirs") ?? "");
    const judge = (path: string, name: string, partition: number): number => {
      if (path !== folder) return ErrorCodes.LOG_DIR_NOT_FOUND;
      const isKnown = broker.topics.log(name, partition) !== undefined;
      return isKnown ? ErrorCodes.NONE : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    };
    const answers = new Map<string, Map<number, number>>();
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const ofTopic = answers.get(name) ?? new Map<number, number>();
        answers.set(name, ofTopic);
        for (const partition of partitions) ofTopic.set(partition, judge(path, name, partition));
      }
    }
    const results = [...answers].map(([topicName, partitions]) => ({
      topicName,
      partitions: [...partitions].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
    }));
    return { throttleTimeMs: 0, results };
  },
  refuse: ({ dirs }, errorCode) => ({
    throttleTimeMs: 0,
    results: dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    ),
  }),
});
