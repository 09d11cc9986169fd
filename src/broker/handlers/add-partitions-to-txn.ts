import type { RequestOf } from "../../protocol/api.js";
import { addPartitionsToTxn as api } from "../../protocol/apis/add-partitions-to-txn.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toTransactionalId } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { transactionCode } from "./transaction-answers.js";

/**
 * AddPartitionsToTxn (key 24), v0-v3.
 * Adds partitions to a producer's transaction: all, or none if one does not exist. v2: PRODUCER_FENCED; v3: flexible.
 * The later versions are for brokers.
 */
export const addPartitionsToTxn = defineHandler(api, {
  versions: [0, 3],
  authorize: toTransactionalId,
  async handle(request, { broker, access, apiVersion }) {
    const { transactionalId, topics } = request;
    if (transactionalId === "") return answer(request, () => ErrorCodes.INVALID_REQUEST);
    const isAllowed = new Map(topics.map(({ name }) => [name, access.allows("WRITE", "TOPIC", name)]));
    const isKnown = (name: string, partition: number) => {
      const topic = broker.topics.get(name);
      return topic?.logs[partition] !== undefined && !topic.isInternal;
    };
    const mayAdd = (name: string, partition: number) => isAllowed.get(name)! && isKnown(name, partition);
    if (topics.some(({ name, partitions }) => partitions.some((each) => !mayAdd(name, each)))) {
      return answer(request, (name, partition) => {
        if (!isAllowed.get(name)) return ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
        if (isKnown(name, partition)) return ErrorCodes.OPERATION_NOT_ATTEMPTED;
        const isInternal = broker.topics.get(name)?.isInternal;
        return isInternal ? ErrorCodes.INVALID_TOPIC_EXCEPTION : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      });
    }
    const added = new Map<string, Set<number>>();
    for (const { name, partitions } of topics) added.set(name, new Set([...(added.get(name) ?? []), ...partitions]));
    const errorCode = transactionCode(await broker.transactions.add(transactionalId, request, added), apiVersion >= 2);
    return answer(request, () => errorCode);
  },
  refuse: (request, errorCode) => answer(request, () => errorCode),
});

function answer({ topics }: RequestOf<typeof api>, codeOf: (topic: string, partition: number) => number) {
  return {
    throttleTimeMs: 0,
    results: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: codeOf(name, partitionIndex) })),
    })),
  };
}
