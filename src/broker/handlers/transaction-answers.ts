import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";

/** The error code of a transaction request. Older versions do not know PRODUCER_FENCED (KIP-588). */
export function transactionCode(error: ErrorName, knowsFenced: boolean): number {
  return ErrorCodes[error === "PRODUCER_FENCED" && !knowsFenced ? "INVALID_PRODUCER_EPOCH" : error];
}

/** The errors of transactional data that a client understands, by the version of its request. */
export interface TransactionalDialect {
  /** It knows TRANSACTION_ABORTABLE. */
  readonly knowsAbortable: boolean;
  /** It repeats a request after CONCURRENT_TRANSACTIONS. */
  readonly knowsConcurrent: boolean;
  /** The error after which it repeats a request, whatever the version. */
  readonly retry: ErrorName;
}

/** The error for transactional data that the coordinator refuses (KIP-890), in the client's dialect. */
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
