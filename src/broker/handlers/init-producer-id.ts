import { initProducerId as api } from "../../protocol/apis/init-producer-id.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

/**
 * InitProducerId (key 22), v0-v5.
 * Assigns an idempotent producer an id that was never used before. Transactional producers are refused. v2: flexible;
 * v3: the id and epoch of a session to continue, for transactions only.
 */
export const initProducerId = defineHandler(api, {
  versions: [0, 5],
  async handle({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }, { broker }) {
    if (transactionalId === "") return refused(ErrorCodes.INVALID_REQUEST);
    if ((producerId === -1) !== (producerEpoch === -1)) return refused(ErrorCodes.INVALID_REQUEST);
    if (transactionalId !== null) {
      const maxMs = broker.properties.number("transaction.max.timeout.ms");
      const inRange = transactionTimeoutMs > 0 && transactionTimeoutMs <= maxMs;
      return refused(inRange ? ErrorCodes.UNSUPPORTED_VERSION : ErrorCodes.INVALID_TRANSACTION_TIMEOUT);
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCodes.NONE,
      producerId: await broker.state.takeProducerId(),
      producerEpoch: 0,
    };
  },
  refuse: (_, errorCode) => refused(errorCode),
});

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 };
}
