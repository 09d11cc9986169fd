import type { Logger } from "../../base/logger.js";
import { CoordinatorLog } from "../internal-topics/coordinator-log.js";
import type { PartitionLog } from "../log/partition-log.js";
import { decodeTransactionRecord, encodeTransactionRecord, type TransactionRecord } from "./transaction-records.js";

export const TRANSACTIONS_TOPIC = "__transaction_state";

/** The records of transactional ids, in the partitions of `__transaction_state`. */
export type TransactionLog = CoordinatorLog<TransactionRecord>;

/** @param logs the topic's partitions; empty until the first transactional id. */
export function openTransactionLog(logs: () => readonly PartitionLog[], logger: Logger): TransactionLog {
  const format = {
    topic: TRANSACTIONS_TOPIC,
    ids: "transactional ids",
    encode: encodeTransactionRecord,
    decode: decodeTransactionRecord,
  };
  return new CoordinatorLog(format, logs, logger);
}
