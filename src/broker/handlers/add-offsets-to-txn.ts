import { addOffsetsToTxn as api } from "../../protocol/apis/add-offsets-to-txn.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup, toTransactionalId } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { transactionCode } from "./transaction-answers.js";

/**
 * AddOffsetsToTxn (key 25), v0-v4.
 * Adds the partition of the offsets topic that holds a group to a producer's transaction. v2: PRODUCER_FENCED; v3:
 * flexible.
 */
export const addOffsetsToTxn = defineHandler(api, {
  versions: [0, 4],
  authorize: (request, access) => {
    const error = toTransactionalId(request, access);
    return error === "NONE" ? toGroup("READ")(request, access) : error;
  },
  async handle(request, { broker, apiVersion }) {
    const { transactionalId, groupId } = request;
    if (transactionalId === "") return { throttleTimeMs: 0, errorCode: ErrorCodes.INVALID_REQUEST };
    const error = await broker.transactions.add(transactionalId, request, broker.groups.partitionsOf(groupId));
    return { throttleTimeMs: 0, errorCode: transactionCode(error, apiVersion >= 2) };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
