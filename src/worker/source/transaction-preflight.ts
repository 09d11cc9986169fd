import type { Props, Support } from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TransactionQuestion } from "../worker.js";
import { exactlyOnceMode } from "../worker-config.js";

/** Asks the connector's class. */
type Ask = (question: TransactionQuestion) => Promise<Support | null>;

const EXACTLY_ONCE = "exactly.once.support";
const REQUESTED = `set ${EXACTLY_ONCE} to 'requested', which makes no promise and no check`;

/**
 * The error of a source connector that demands exactly-once delivery from a worker that cannot deliver so; undefined if
 * it does not, or the worker can. For validation, and again when a task starts.
 */
export function workerSupportFault(worker: Props, connector: Props): string | undefined {
  const mode = exactlyOnceMode(worker);
  if (mode === "enabled" || connector[EXACTLY_ONCE]?.trim().toLowerCase() !== "required") return undefined;
  const remedy =
    mode === "unavailable"
      ? `A standalone worker delivers at least once: run the connector on a distributed worker with exactly.once.source.support=enabled, or ${REQUESTED}`
      : `Set the workers' exactly.once.source.support to 'enabled', or ${REQUESTED}`;
  return `This worker does not have exactly-once source support enabled. ${remedy}`;
}

/**
 * The errors of a source connector that demands exactly-once delivery, or ends transactions itself (KIP-618), by key.
 * Its class is asked only where the answer matters. They begin with Kafka Connect's sentences.
 */
export async function transactionFaults(
  worker: Props,
  connector: Props,
  ask: Ask,
): Promise<readonly (readonly [key: string, message: string])[]> {
  const faults: (readonly [key: string, message: string])[] = [];
  const says = (key: string) => connector[key]?.trim().toLowerCase();
  const note = (key: string, fault: string | undefined) => {
    if (fault !== undefined) faults.push([key, fault]);
  };
  if (says(EXACTLY_ONCE) === "required") {
    note(EXACTLY_ONCE, workerSupportFault(worker, connector));
    note(EXACTLY_ONCE, await supportFault(ask));
  }
  // Also without exactly-once delivery: the key would have no effect, but the connector could not work with it later.
  if (says("transaction.boundary") === "connector") note("transaction.boundary", await boundaryFault(ask));
  return faults;
}

async function supportFault(ask: Ask): Promise<string | undefined> {
  const answer = await answerOf(() => ask("exactlyOnceSupport"));
  if ("error" in answer) return answer.error;
  if (answer.support === "SUPPORTED") return undefined;
  return answer.support === null
    ? `The connector does not implement the API required for preflight validation of exactly-once source support. Consult its documentation on whether it supports exactly-once delivery, and then ${REQUESTED}`
    : `The connector does not support exactly-once semantics with the provided configuration. Change it, or ${REQUESTED}`;
}

async function boundaryFault(ask: Ask): Promise<string | undefined> {
  const answer = await answerOf(() => ask("canDefineTransactionBoundaries"));
  if ("error" in answer) return answer.error;
  if (answer.support === "SUPPORTED") return undefined;
  return "The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.";
}

async function answerOf(ask: () => Promise<Support | null>): Promise<{ support: Support | null } | { error: string }> {
  try {
    return { support: await ask() };
  } catch (error) {
    return { error: `An unexpected error occurred during validation: ${errorMessage(error)}` };
  }
}
