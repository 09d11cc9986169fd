import type { ErrorCode } from "./error-code.js";

/** The six kinds of failure that the worker tells apart. */
export type ErrorKind = "retriable" | "data" | "config" | "not-found" | "conflict" | "unsupported";

// Found by this key and not by `instanceof`: a plugin may carry its own copy of this package.
const KIND = Symbol.for("millrace.error.kind");

/** Base of the six. Thrown as one of them only, always with the `cause` where there is one. */
export abstract class ConnectError extends Error {
  constructor(
    kind: ErrorKind,
    /** Stable, and listed in ERROR_CODES or the plugin's own `errorCodes`. */
    readonly code: ErrorCode,
    /** Says what failed, on which key, table or object, why, and what to do. Never a record's value or a secret. */
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    Object.defineProperty(this, KIND, { value: kind });
  }
}

/** The same call may work later. From `put` the worker hands the same batch over again; from `poll` it polls again. */
export class RetriableError extends ConnectError {
  override readonly name = "RetriableError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("retriable", code, message, options);
  }
}

/** This record is bad; the next one may be good. Tolerated under `errors.tolerance=all`. */
export class DataError extends ConnectError {
  override readonly name = "DataError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("data", code, message, options);
  }
}

/** A setting is wrong; `key` says which. Never retried. */
export class ConfigError extends ConnectError {
  override readonly name = "ConfigError";
  constructor(
    readonly key: string,
    message: string,
    options?: { readonly cause?: unknown; readonly code?: ErrorCode },
  ) {
    super("config", options?.code ?? "CONFIG_INVALID", message, options);
  }
}

/** What was named does not exist. */
export class NotFoundError extends ConnectError {
  override readonly name = "NotFoundError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("not-found", code, message, options);
  }
}

/** The state of things forbids it now: it exists already, a rebalance is under way, another owner holds it. */
export class ConflictError extends ConnectError {
  override readonly name = "ConflictError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("conflict", code, message, options);
  }
}

/** What was asked for cannot be done here, now or later. */
export class UnsupportedError extends ConnectError {
  override readonly name = "UnsupportedError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("unsupported", code, message, options);
  }
}

/** The kind of an error thrown by us or by a plugin with its own copy of these classes; undefined for any other. */
export function errorKind(error: unknown): ErrorKind | undefined {
  return error instanceof Error ? (error as { [KIND]?: ErrorKind })[KIND] : undefined;
}
