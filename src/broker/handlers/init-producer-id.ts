import { initProducerId as api } from "../../protocol/apis/init-producer-id.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { type Broker, defineHandler } from "../handler.js";
import { transactionCode } from "./transaction-answers.js";

/**
 * InitProducerId (key 22), v0-v5.
 * Assigns an idempotent producer an id that was never used before, and a transactional one a session of its
 * transactional id, which fences those before. v2: flexible; v3: the id and epoch of a session to continue (KIP-360);
 * v4: PRODUCER_FENCED.
 */
export const initProducerId = defineHandler(api, {
  versions: [0, 5],
  authorize: ({ transactionalId }, access) => {
    if (transactionalId !== null) {
      const isAllowed = access.allows("WRITE", "TRANSACTIONAL_ID", transactionalId);
      return isAllowed ? "NONE" : "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    }
    // The right to write to any topic includes idempotent writes (KIP-679).
    const isAllowed = access.shows("IDEMPOTENT_WRITE", "CLUSTER", CLUSTER_NAME) || access.allowsAny("WRITE", "TOPIC");
    return isAllowed ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED";
  },
  async handle({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }, { broker, apiVersion }) {
    if (transactionalId === "") return refused(ErrorCodes.INVALID_REQUEST);
    if ((producerId === -1) !== (producerEpoch === -1)) return refused(ErrorCodes.INVALID_REQUEST);
    if (transactionalId === null) return answerFresh(broker);
    const maxMs = broker.properties.number("transaction.max.timeout.ms");
    const inRange = transactionTimeoutMs > 0 && transactionTimeoutMs <= maxMs;
    if (!inRange) return refused(ErrorCodes.INVALID_TRANSACTION_TIMEOUT);
    const command = { transactionalId, timeoutMs: transactionTimeoutMs, producerId, producerEpoch };
    const { error, ...session } = await broker.transactions.init(command);
    return {
      throttleTimeMs: 0,
      errorCode: transactionCode(error, apiVersion >= 4),
      producerId: session.producerId,
      producerEpoch: session.producerEpoch,
    };
  },
  refuse: (_, errorCode) => refused(errorCode),
});

async function answerFresh({ state, logger }: Broker) {
  try {
    const producerId = await state.takeProducerId();
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, producerId, producerEpoch: 0 };
  } catch (cause) {
    logger.error("Taking a producer id failed", {}, cause);
    // As in Kafka: the producer asks again. Any other error would end it.
    return refused(ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS);
  }
}

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 };
}
