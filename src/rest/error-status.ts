import { errorKind } from "../api/index.js";
import { LoopEndedError } from "../base/command-loop.js";
import { type ErrorBody, MAX_BODY_BYTES } from "../contract/rest-api.js";
import { SignatureError } from "../herder/membership/signature-error.js";
import { MisdirectedError } from "../herder/misdirected-error.js";
import { HttpError } from "./http-error.js";

const SIGNATURE_STATUS = { missing: 400, algorithm: 400, "no-key": 503, wrong: 403 } as const;

/**
 * Decides the HTTP status of an error; no other place does. Bad input is always 400, even where Kafka Connect answers
 * 500 (JSON that cannot be parsed, an unknown class in validate).
 */
export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  if (error instanceof MisdirectedError) return 409;
  if (error instanceof SignatureError) return SIGNATURE_STATUS[error.fault];
  if (error instanceof LoopEndedError) return 500;
  switch (errorKind(error)) {
    case "config":
    case "data":
      return 400;
    case "not-found":
      return 404;
    case "conflict":
      return 409;
    default:
      return expressStatus(error) ?? 500;
  }
}

/** The fault that Express or its body reader found (a path that is not URL-encoded, a body that is too large). */
function expressStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("status" in error)) return undefined;
  const { status } = error;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
}

const TOO_LARGE = `The request body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB`;

/** The body of an error's answer. */
export function errorBody(error: unknown): ErrorBody {
  const status = statusOf(error);
  if (error instanceof LoopEndedError) return { error_code: status, message: "Worker is shutting down" };
  if (status === 413) return { error_code: status, message: TOO_LARGE };
  const message = error instanceof Error ? error.message : String(error);
  return { error_code: status, message: message === "" ? `HTTP ${status}` : message };
}
