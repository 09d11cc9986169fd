import { endTxn as api } from "../../protocol/apis/end-txn.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toTransactionalId } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { transactionCode } from "./transaction-answers.js";

/**
 * EndTxn (key 26), v0-v5.
 * Commits or aborts a producer's transaction. Once it is answered, readers of committed records see the outcome. v2:
 * PRODUCER_FENCED; v3: flexible; v5: the answer holds the producer's next epoch (KIP-890).
 */
export const endTxn = defineHandler(api, {
  versions: [0, 5],
  authorize: toTransactionalId,
  async handle({ transactionalId, producerId, producerEpoch, committed }, { broker, apiVersion }) {
    if (transactionalId === "") return { throttleTimeMs: 0, errorCode: ErrorCodes.INVALID_REQUEST };
    const version = apiVersion >= 5 ? 2 : 1;
    const command = { producerId, producerEpoch, isCommit: committed, version } as const;
    const { error, ...session } = await broker.transactions.end(transactionalId, command);
    return {
      throttleTimeMs: 0,
      errorCode: transactionCode(error, apiVersion >= 2),
      producerId: session.producerId,
      producerEpoch: session.producerEpoch,
    };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
