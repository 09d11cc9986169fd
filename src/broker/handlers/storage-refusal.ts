import type { Logger } from "../../base/logger.js";
import type { ErrorName } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";

/**
 * The error with which a change of a topic or of settings is refused that could not be made, mostly because the disk
 * failed. Logs it, with its cause.
 *
 * @param what the log's message: the change, and that it failed.
 * @param resource the topic or broker concerned.
 */
export function storageRefusal(
  logger: Logger,
  what: string,
  resource: string,
  cause: unknown,
): { readonly error: ErrorName; readonly message: string } {
  if (KafkaError.is(cause, "TOPIC_ALREADY_EXISTS", "UNKNOWN_TOPIC_OR_PARTITION")) {
    return { error: cause.codeName as ErrorName, message: cause.reason };
  }
  logger.error(what, { resource }, cause);
  return { error: "KAFKA_STORAGE_ERROR", message: (cause as Error).message };
}
