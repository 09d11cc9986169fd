import {
  ConfigError,
  ConflictError,
  DataError,
  type ErrorCode,
  type ErrorKind,
  errorKind,
  NotFoundError,
  RetriableError,
  UnsupportedError,
} from "../../api/index.js";
import { textOf, traceOf } from "../../base/trace/error-trace.js";
import { isRetriable } from "../task/error-policy.js";

/** An error on its way to another thread: fields for decisions, and text to show. */
export interface Failure {
  /** null for an error outside our six kinds: a plugin's bug, or an error of Kafka or the system. */
  readonly kind: ErrorKind | null;
  /** The stable code, Kafka's name of the error, or the system's (`ECONNREFUSED`); null if it has none. */
  readonly code: string | null;
  /** The same call may succeed later, independent of the kind. */
  readonly retriable: boolean;
  readonly name: string;
  readonly message: string;
  /** Name, message and stack, then each cause's: for display only. */
  readonly trace: string;
  /** The setting, for kind `config`. */
  readonly key?: string;
}

/** An error as data, for a message to another thread. Accepts any thrown value. */
export function failureOf(error: unknown): Failure {
  const { code, codeName, key } = (error ?? {}) as { code?: unknown; codeName?: unknown; key?: unknown };
  const kind = errorKind(error) ?? null;
  return {
    kind,
    code: typeof codeName === "string" ? codeName : typeof code === "string" ? code : null,
    retriable: isRetriable(error),
    name: error instanceof Error ? error.name : "Error",
    message: error instanceof Error ? error.message : textOf(error),
    trace: traceOf(error),
    ...(kind === "config" && { key: String(key) }),
  };
}

/**
 * Rebuilds the error on the other side: in the class of its kind, with its code, key and message. Its stack is the
 * original trace, causes included; it has no `cause` of its own.
 */
export function errorOf(failure: Failure): Error {
  const error = rebuilt(failure);
  error.stack = failure.trace.trimEnd();
  return error;
}

function rebuilt({ kind, code: text, retriable, name, message, key }: Failure): Error {
  const code = text as ErrorCode;
  switch (kind) {
    case "retriable":
      return new RetriableError(code, message);
    case "data":
      return new DataError(code, message);
    case "config":
      return new ConfigError(key ?? "", message, { code });
    case "not-found":
      return new NotFoundError(code, message);
    case "conflict":
      return new ConflictError(code, message);
    case "unsupported":
      return new UnsupportedError(code, message);
    case null: {
      // Kafka's errors keep their name: callers judge by it whether an error is retriable or a refusal.
      const error = new Error(message);
      Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
      return Object.assign(error, { retriable }, text !== null && { code: text, codeName: text });
    }
  }
}
