import type { Compression } from "../../protocol/compression/compression.js";

/**
 * A topic's effective configuration, for its partitions' logs. Kafka's names in camel case; sizes in bytes, times in
 * ms.
 */
export interface LogConfig {
  readonly cleanupPolicy: ReadonlySet<"delete" | "compact">;
  /** The compression that `compression.type` forces; undefined: the producer's is kept. */
  readonly forcedCompression: Compression | undefined;
  readonly deleteRetentionMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
}
