import { defineApi } from "../api.js";
import { i16, i32, i64, message, records, str, struct, structs, uuid } from "../message-fields.js";

/**
 * Produce (key 0), v0-v13. The fields are those of v3 and later: v0-v2 are advertised, but never served.
 * Appends record batches. v9: flexible; v10: the response names the new leader; v11: TRANSACTION_ABORTABLE; v12:
 * transactional batches add their partition to the transaction; v13: topic ids instead of names.
 * `records` is not parsed.
 */
export const produce = defineApi({
  key: 0,
  name: "Produce",
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    transactionalId: str.nullable().or(null),
    acks: i16,
    timeoutMs: i32,
    topicData: structs({
      name: str.within(3, 12),
      topicId: uuid.from(13),
      partitionData: structs({ index: i32, records: records.nullable() }),
    }),
  },
  response: {
    responses: structs({
      name: str.within(3, 12),
      topicId: uuid.from(13),
      partitionResponses: structs({
        index: i32,
        errorCode: i16,
        baseOffset: i64,
        logAppendTimeMs: i64.or(-1),
        logStartOffset: i64.from(5).or(-1),
        recordErrors: structs({ batchIndex: i32, batchIndexErrorMessage: message.nullable().or(null) }).from(8),
        errorMessage: message.nullable().from(8).or(null),
        currentLeader: struct({ leaderId: i32.or(-1), leaderEpoch: i32.or(-1) })
          .from(10)
          .tagged(0),
      }),
    }),
    throttleTimeMs: i32,
    nodeEndpoints: structs({ nodeId: i32, host: str, port: i32, rack: str.nullable().or(null) })
      .from(10)
      .tagged(0),
  },
});
