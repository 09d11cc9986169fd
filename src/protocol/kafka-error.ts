import { ErrorCodes, type ErrorName, errorCode } from "./error-codes.js";

/**
 * An error of the Kafka protocol: a broker's error code, or the client's own code for a failure on the way
 * (NETWORK_EXCEPTION for a lost connection, REQUEST_TIMED_OUT for no answer in time).
 */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  /** Kafka's number of the error. */
  readonly code: number;
  /** Kafka's name of the error, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly codeName: string;
  /** The same request may succeed later. */
  readonly retriable: boolean;
  /** The message without the error's name and number, for messages that quote it. */
  readonly reason: string;

  /** @param context the operation and its object: `Producing to orders-3`. */
  constructor(code: number | ErrorName, context: string, options: { cause?: unknown; detail?: string | null } = {}) {
    const row = errorCode(typeof code === "number" ? code : ErrorCodes[code]);
    const reason = `${context}: ${options.detail || row.text}`;
    super(`${reason} (${row.name}, ${row.code})`, { cause: options.cause });
    this.reason = reason;
    this.code = row.code;
    this.codeName = row.name;
    this.retriable = row.retriable;
  }

  /** Whether `error` is a KafkaError with one of these names. */
  static is(error: unknown, ...names: readonly ErrorName[]): error is KafkaError {
    return error instanceof KafkaError && names.some((name) => ErrorCodes[name] === error.code);
  }
}
