import type { Props, Support } from "../../api/index.js";
import { errorMessage } from "../../base/error-trace.js";
import type { TransactionQuestion } from "../worker.js";
import { exactlyOnceMode } from "../worker-config.js";

/** Asks the connector's class. */
type Ask = (question: TransactionQuestion) => Promise<Support | null>;

const REQUESTED = "set exactly.once.support to 'requested', which makes no promise and no check";

/**
 * The errors of a source connector that demands exactly-once delivery, or ends transactions itself (KIP-618), by key.
 * Its class is asked only where the answer matters.
 */
export async function transactionFaults(
  worker: Props,
  connector: Props,
  ask: Ask,
): Promise<ReadonlyMap<string, string>> {
  const faults = new Map<string, string>();
  const says = (key: string) => connector[key]?.trim().toLowerCase();
  // On a worker without exactly-once delivery it is refused without a question (unbuiltKeys).
  if (says("exactly.once.support") === "required" && exactlyOnceMode(worker) === "enabled") {
    const fault = await supportFault(ask);
    if (fault !== undefined) faults.set("exactly.once.support", fault);
  }
  // Also without exactly-once delivery: the key would have no effect, but the connector could not work with it later.
  if (says("transaction.boundary") === "connector") {
    const fault = await boundaryFault(ask);
    if (fault !== undefined) faults.set("transaction.boundary", fault);
  }
  return faults;
}

async function supportFault(ask: Ask): Promise<string | undefined> {
  const answer = await answerOf(() => ask("exactlyOnceSupport"));
  if ("error" in answer) return answer.error;
  if (answer.support === "SUPPORTED") return undefined;
  return answer.support === null
    ? `The connector does not say whether it supports exactly-once delivery: consult its documentation, then ${REQUESTED}`
    : `The connector does not support exactly-once delivery with its current configuration: change it, or ${REQUESTED}`;
}

async function boundaryFault(ask: Ask): Promise<string | undefined> {
  const answer = await answerOf(() => ask("canDefineTransactionBoundaries"));
  if ("error" in answer) return answer.error;
  if (answer.support === "SUPPORTED") return undefined;
  return "The connector does not support connector-defined transaction boundaries with its current configuration: set transaction.boundary to 'poll'.";
}

async function answerOf(ask: () => Promise<Support | null>): Promise<{ support: Support | null } | { error: string }> {
  try {
    return { support: await ask() };
  } catch (error) {
    return { error: `An unexpected error occurred during validation: ${errorMessage(error)}` };
  }
}
