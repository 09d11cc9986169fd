import { resolve } from "node:path";
import { describeLogDirs as api } from "../../protocol/apis/describe-log-dirs.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { defineHandler } from "../handler.js";
import type { Topic, TopicRegistry } from "../topics/topic-registry.js";

/**
 * DescribeLogDirs (key 35), v1-v5.
 * The one folder of logs, with the sizes of partitions and of its disk. Partitions that do not exist or are offline are left out.
 */
export const describeLogDirs = defineHandler(api, {
  versions: [1, 5],
  authorize: (_, access) =>
    access.allows("DESCRIBE", "CLUSTER", CLUSTER_NAME) ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED",
  async handle({ topics }, { broker }) {
    const folder = resolve(broker.properties.text("log.dirs") ?? "");
    const { freeBytes, totalBytes } = await broker.diskSpace();
    const described = partitionsOf(topics, broker.topics).map(([topic, indexes]) => ({
      name: topic.name,
      partitions: indexes.flatMap((partitionIndex) => {
        const log = topic.logs[partitionIndex];
        return log && !log.offline
          ? [{ partitionIndex, partitionSize: log.sizeBytes, offsetLag: 0, isFutureKey: false }]
          : [];
      }),
    }));
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCodes.NONE,
      results: [
        {
          errorCode: ErrorCodes.NONE,
          logDir: folder,
          topics: described.filter(({ partitions }) => partitions.length > 0),
          totalBytes: reported(totalBytes),
          usableBytes: reported(freeBytes),
          isCordoned: false,
        },
      ],
    };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
});

/** The topics that are asked for and exist, each with the partitions that are asked for; null asks for all. */
function partitionsOf(
  asked: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
  registry: TopicRegistry,
): (readonly [Topic, readonly number[]])[] {
  if (asked === null) return registry.all().map((topic) => [topic, [...topic.logs.keys()]]);
  return asked.flatMap(({ topic: name, partitions }) => {
    const topic = registry.get(name);
    return topic ? [[topic, [...new Set(partitions)]] as const] : [];
  });
}

/** Kafka's -1 for what the file system does not report. */
function reported(bytes: number): number {
  return Number.isFinite(bytes) ? bytes : -1;
}
