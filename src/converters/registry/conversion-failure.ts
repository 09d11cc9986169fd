import {
  ConfigError,
  type ConnectError,
  DataError,
  errorKind,
  NotPreparedError,
  RetriableError,
} from "../../api/index.js";

/** The error of a conversion, with what was converted before its message. */
export function conversionFailure(what: string, error: unknown): unknown {
  if (error instanceof NotPreparedError || !(error instanceof Error)) return error;
  const { code, message, key } = error as ConnectError & { readonly key?: string };
  const text = `${what}: ${message}`;
  switch (errorKind(error)) {
    case "data":
      return new DataError(code, text, { cause: error.cause ?? error });
    case "retriable":
      return new RetriableError(code, text, { cause: error });
    case "config":
      return new ConfigError(key ?? "schema.registry.url", text, { code, cause: error });
    default:
      return error;
  }
}
