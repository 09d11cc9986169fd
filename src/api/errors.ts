import type { ErrorCode } from "./error-code.js";

/** The six kinds of failure that the worker distinguishes. */
export type ErrorKind = "retriable" | "data" | "config" | "not-found" | "conflict" | "unsupported";

// Identified by this key rather than `instanceof`: a plugin may bundle its own copy of this package.
const KIND = Symbol.for("millrace.error.kind");

/** Base class of the six errors below, never thrown itself. Pass the `cause` wherever there is one. */
export abstract class ConnectError extends Error {
  constructor(
    kind: ErrorKind,
    /** Stable, and listed in ERROR_CODES or the plugin's own `errorCodes`. */
    readonly code: ErrorCode,
    /**
     * Names the failure, the key, table or object, the reason and the remedy. Never contains record values or secrets.
     */
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    Object.defineProperty(this, KIND, { value: kind });
  }
}

/**
 * The same call may succeed later. After one from `put` the worker delivers the batch again; after `poll` it polls
 * again.
 */
export class RetriableError extends ConnectError {
  override readonly name = "RetriableError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("retriable", code, message, options);
  }
}

/** This record is bad; the next one may be good. From a converter, tolerated under `errors.tolerance=all`. */
export class DataError extends ConnectError {
  override readonly name = "DataError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("data", code, message, options);
  }
}

/** The setting `key` is invalid. Never retried. */
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

/** The named object does not exist. */
export class NotFoundError extends ConnectError {
  override readonly name = "NotFoundError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("not-found", code, message, options);
  }
}

/**
 * The current state does not allow it: the object exists already, a rebalance is in progress, another owner holds it.
 */
export class ConflictError extends ConnectError {
  override readonly name = "ConflictError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("conflict", code, message, options);
  }
}

/** The request is not supported here, now or later. */
export class UnsupportedError extends ConnectError {
  override readonly name = "UnsupportedError";
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super("unsupported", code, message, options);
  }
}

/** The kind of a ConnectError, also of one from a plugin's own copy of these classes; undefined for any other error. */
export function errorKind(error: unknown): ErrorKind | undefined {
  return error instanceof Error ? (error as { [KIND]?: ErrorKind })[KIND] : undefined;
}
