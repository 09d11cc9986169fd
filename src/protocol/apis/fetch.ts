import { defineApi } from "../api.js";
import { array, i8, i16, i32, i64, records, str, struct, structs, uuid } from "../message-fields.js";

/**
 * Fetch (key 1), v4-v18.
 * Reads record batches. v5: log start offset; v7: fetch sessions; v9: leader epoch checks; v11: rack; v12: flexible,
 * divergence; v13: topic ids instead of names; v15: replica state; v16: node endpoints; v17: directory ids; v18: high
 * watermark.
 * `records` is a slice of the frame; its last batch may be cut off.
 */
export const fetch = defineApi({
  key: 1,
  name: "Fetch",
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    clusterId: str.nullable().from(12).tagged(0).or(null),
    replicaId: i32.within(4, 14).or(-1),
    replicaState: struct({ replicaId: i32.or(-1), replicaEpoch: i64.or(-1) })
      .from(15)
      .tagged(1),
    maxWaitMs: i32,
    minBytes: i32,
    maxBytes: i32.or(0x7fffffff),
    isolationLevel: i8,
    sessionId: i32.from(7),
    sessionEpoch: i32.from(7).or(-1),
    topics: structs({
      topic: str.within(4, 12),
      topicId: uuid.from(13),
      partitions: structs({
        partition: i32,
        currentLeaderEpoch: i32.from(9).or(-1),
        fetchOffset: i64,
        lastFetchedEpoch: i32.from(12).or(-1),
        logStartOffset: i64.from(5).or(-1),
        partitionMaxBytes: i32,
        replicaDirectoryId: uuid.from(17).tagged(0),
        highWatermark: i64.from(18).tagged(1).or(Number.MAX_SAFE_INTEGER),
      }),
    }),
    forgottenTopicsData: structs({ topic: str.within(7, 12), topicId: uuid.from(13), partitions: array(i32) }).from(7),
    rackId: str.from(11),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.from(7),
    sessionId: i32.from(7),
    responses: structs({
      topic: str.within(4, 12),
      topicId: uuid.from(13),
      partitions: structs({
        partitionIndex: i32,
        errorCode: i16,
        highWatermark: i64,
        lastStableOffset: i64.or(-1),
        logStartOffset: i64.from(5).or(-1),
        divergingEpoch: struct({ epoch: i32.or(-1), endOffset: i64.or(-1) })
          .from(12)
          .tagged(0),
        currentLeader: struct({ leaderId: i32.or(-1), leaderEpoch: i32.or(-1) })
          .from(12)
          .tagged(1),
        snapshotId: struct({ endOffset: i64.or(-1), epoch: i32.or(-1) })
          .from(12)
          .tagged(2),
        abortedTransactions: structs({ producerId: i64, firstOffset: i64 }).nullable(),
        preferredReadReplica: i32.from(11).or(-1),
        records: records.nullable(),
      }),
    }),
    nodeEndpoints: structs({ nodeId: i32, host: str, port: i32, rack: str.nullable().or(null) })
      .from(16)
      .tagged(0),
  },
});
