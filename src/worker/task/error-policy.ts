import { errorKind, type Props, parseConfig } from "../../api/index.js";
import { InvariantError } from "../../base/invariant-error.js";
import { ERROR_KEYS } from "../../contract/connector-keys.js";

/** The stage at which a record failed (KIP-298), spelled as in the dead letter headers and logs. */
export type Stage =
  | "TASK_PUT"
  | "TRANSFORMATION"
  | "KEY_CONVERTER"
  | "VALUE_CONVERTER"
  | "HEADER_CONVERTER"
  | "KAFKA_PRODUCE";

/** A connector's treatment of bad records. */
export interface ErrorPolicy {
  readonly tolerance: "none" | "all";
  /** -1: for ever; 0: no second attempt. */
  readonly retryTimeoutMs: number;
  readonly retryDelayMaxMs: number;
  readonly log: boolean;
  readonly logMessages: boolean;
}

/** The `errors.*` keys of a connector. @throws ConfigError */
export function parseErrorPolicy(props: Props): ErrorPolicy {
  const values = parseConfig(ERROR_KEYS, props);
  return {
    tolerance: values["errors.tolerance"] === "all" ? "all" : "none",
    retryTimeoutMs: values["errors.retry.timeout"],
    retryDelayMaxMs: values["errors.retry.delay.max.ms"],
    log: values["errors.log.enable"],
    logMessages: values["errors.log.include.messages"],
  };
}

/** Ends the task with its `reason`, even under errors.tolerance=all. */
export class NeverTolerated extends Error {
  override readonly name = "NeverTolerated";

  constructor(readonly reason: Error) {
    super(reason.message);
  }
}

export type FailureVerdict =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "skip" }
  /** `tolerable`: errors.tolerance=all would skip the record; otherwise the failure is never tolerated. */
  | { readonly kind: "fail"; readonly tolerable: boolean };

/**
 * Whether the same call may succeed later: a RetriableError, or an error of Kafka marked retriable. The worker's only
 * judge of that. Recognizes KafkaError by its name, because its class is in a layer that this one must not import.
 */
export function isRetriable(error: unknown): boolean {
  if (errorKind(error) === "retriable") return true;
  return error instanceof Error && error.name === "KafkaError" && (error as { retriable?: unknown }).retriable === true;
}

/** Whether the cluster has ended the producer's transaction, for another producer's sake or because it took too long. */
export function isFenced(error: unknown): error is Error {
  if (!(error instanceof Error) || error.name !== "KafkaError") return false;
  return ["PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"].includes(String((error as { codeName?: unknown }).codeName));
}

/** The cluster or the schema registry refuses us, not the record: skipping records for it would lose good ones. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (errorKind(error) !== undefined) return code === "REGISTRY_UNREACHABLE" || code === "REGISTRY_UNAUTHORIZED";
  if (error.name !== "KafkaError") return false;
  return /AUTHENTICATION|AUTHORIZATION/.test(String((error as { codeName?: unknown }).codeName));
}

/**
 * Decides the fate of a record that failed a stage (KIP-298). Retriable failures are tried again until
 * `errors.retry.timeout` after the first attempt. Delays start at 300 ms and double; beyond `errors.retry.delay.max.ms`
 * they are drawn uniformly below it. In converters, transformations and producing, any failure can be tolerated;
 * elsewhere only retriable ones. A bug of ours, or a cluster or schema
 * registry that refuses us, is never tolerated.
 *
 * @param attempt number of failed attempts, from 1.
 * @param elapsedMs since the first attempt began.
 * @param draw a random number in [0, 1).
 */
export function judgeFailure(
  policy: ErrorPolicy,
  stage: Stage,
  error: unknown,
  attempt: number,
  elapsedMs: number,
  draw: number,
): FailureVerdict {
  const retriable = isRetriable(error);
  if (retriable) {
    const leftMs = policy.retryTimeoutMs < 0 ? Number.POSITIVE_INFINITY : policy.retryTimeoutMs - elapsedMs;
    if (leftMs > 0) {
      const plainMs = 300 * 2 ** (attempt - 1);
      const delayMs = plainMs > policy.retryDelayMaxMs ? Math.floor(draw * policy.retryDelayMaxMs) : plainMs;
      return { kind: "retry", delayMs: Math.min(delayMs, leftMs) };
    }
  }
  if (error instanceof InvariantError) return { kind: "fail", tolerable: false };
  if (isRefusal(error)) return { kind: "fail", tolerable: false };
  const anyError = stage === "TRANSFORMATION" || stage.endsWith("_CONVERTER") || stage === "KAFKA_PRODUCE";
  if (!anyError && !retriable) return { kind: "fail", tolerable: false };
  return policy.tolerance === "all" ? { kind: "skip" } : { kind: "fail", tolerable: true };
}
