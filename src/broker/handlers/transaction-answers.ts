import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";

/** The error code of a transaction request. Older versions do not know PRODUCER_FENCED (KIP-588). */
export function transactionCode(error: ErrorName, knowsFenced: boolean): number {
  return ErrorCodes[error === "PRODUCER_FENCED" && !knowsFenced ? "INVALID_PRODUCER_EPOCH" : error];
}

/** What a client knows of errors of its transactional data, by the version of its request. */
export interface TransactionalDialect {
  /** It knows TRANSACTION_ABORTABLE. */
  readonly knowsAbortable: boolean;
  /** It repeats a request after CONCURRENT_TRANSACTIONS. */
  readonly knowsConcurrent: boolean;
  /** What it repeats a request after in any case. */
  readonly retry: ErrorName;
}

/** The error for transactional data that the coordinator refuses (KIP-890), as `dialect` says it. */
export function transactionalDataError(error: ErrorName, dialect: TransactionalDialect): ErrorName {
  switch (error) {
    case "PRODUCER_FENCED":
      return "INVALID_PRODUCER_EPOCH";
    case "INVALID_TXN_STATE":
      return dialect.knowsAbortable ? "TRANSACTION_ABORTABLE" : error;
    case "CONCURRENT_TRANSACTIONS":
      return dialect.knowsConcurrent ? error : dialect.retry;
    case "NOT_COORDINATOR":
    case "COORDINATOR_NOT_AVAILABLE":
      return dialect.retry;
    default:
      return error;
  }
}
