import { describeTransactions as api } from "../../protocol/apis/describe-transactions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { type Call, defineHandler } from "../handler.js";

/** DescribeTransactions (key 65), v0. Describes the state of transactional ids (KIP-664). */
export const describeTransactions = defineHandler(api, {
  versions: [0, 0],
  authorize: "by resource",
  handle({ transactionalIds }, call) {
    return { throttleTimeMs: 0, transactionStates: transactionalIds.map((id) => describe(id, call)) };
  },
  refuse: ({ transactionalIds }, errorCode) => ({
    throttleTimeMs: 0,
    transactionStates: transactionalIds.map((id) => unknown(id, errorCode)),
  }),
});

function describe(transactionalId: string, { broker: { transactions }, access }: Call) {
  if (!access.allows("DESCRIBE", "TRANSACTIONAL_ID", transactionalId)) {
    return unknown(transactionalId, ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  }
  if (transactionalId === "") return unknown(transactionalId, ErrorCodes.INVALID_REQUEST);
  const fault = transactions.fault(transactionalId);
  if (fault !== undefined) return unknown(transactionalId, ErrorCodes[fault]);
  const state = transactions.describe(transactionalId);
  if (!state) return unknown(transactionalId, ErrorCodes.TRANSACTIONAL_ID_NOT_FOUND);
  return {
    errorCode: ErrorCodes.NONE,
    transactionalId,
    transactionState: state.status,
    transactionTimeoutMs: state.timeoutMs,
    transactionStartTimeMs: state.startMs,
    producerId: state.producerId,
    producerEpoch: state.producerEpoch,
    topics: [...state.partitions].flatMap(([topic, partitions]) => {
      return access.shows("DESCRIBE", "TOPIC", topic) ? [{ topic, partitions: [...partitions] }] : [];
    }),
  };
}

function unknown(transactionalId: string, errorCode: number) {
  return {
    errorCode,
    transactionalId,
    transactionState: "",
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}
