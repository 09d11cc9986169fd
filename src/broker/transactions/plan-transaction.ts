import type { ErrorName } from "../../protocol/error-codes.js";
import {
  hasPartitions,
  isEnding,
  LAST_EPOCH,
  NO_PARTITIONS,
  NONE,
  type TransactionPartitions,
  type TransactionState,
  type TransactionVersion,
  withPartitions,
} from "./transaction-state.js";

/** A producer as it names itself in a request: an id and one of its epochs. */
export interface ProducerSession {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/**
 * The effect of a request on a transactional id. `keep`: it is answered from the state as it is. `move`: `next` is stored,
 * and then answered from. `move` to PrepareCommit or PrepareAbort: the markers are written and the end is completed
 * first.
 */
export type TransactionPlan =
  | { readonly kind: "refuse"; readonly error: ErrorName }
  | { readonly kind: "keep" }
  | { readonly kind: "move"; readonly next: TransactionState };

/** InitProducerId with a transactional id. */
export interface InitCommand extends ProducerSession {
  readonly transactionalId: string;
  readonly timeoutMs: number;
}

const KEEP: TransactionPlan = { kind: "keep" };

/**
 * Plans InitProducerId: the epoch rises, which fences the producers before. With the id and epoch of a session that
 * continues after an error (KIP-360) only that session may do so. When the epochs are used up, the producer gets a new
 * id. An open transaction is aborted first, with an epoch that no client receives; the request is then planned again.
 *
 * @param current undefined: the id is not known.
 * @param newProducerId takes a producer id that was never used; called only if it is used in the plan.
 */
export function planInit(
  current: TransactionState | undefined,
  command: InitCommand,
  nowMs: number,
  newProducerId: () => number,
): TransactionPlan {
  const { transactionalId, timeoutMs } = command;
  if (!current) {
    const producerId = newProducerId();
    return move({
      transactionalId,
      producerId,
      producerEpoch: 0,
      previousProducerId: NONE,
      nextProducerId: NONE,
      lastEpoch: NONE,
      timeoutMs,
      status: "Empty",
      partitions: NO_PARTITIONS,
      startMs: NONE,
      updateMs: nowMs,
      version: 1,
    });
  }
  if (isEnding(current)) return refuse("CONCURRENT_TRANSACTIONS");
  const isContinued = command.producerId !== NONE;
  if (isContinued && !mayContinue(current, command)) return refuse("PRODUCER_FENCED");
  if (current.status === "Ongoing") return planFence(current, nowMs);
  const { producerEpoch } = current;
  const empty = { ...current, timeoutMs, status: "Empty", partitions: NO_PARTITIONS, updateMs: nowMs } as const;
  const isCurrent = !isContinued || command.producerEpoch === producerEpoch;
  if (producerEpoch >= LAST_EPOCH && isCurrent) {
    return move({
      ...empty,
      producerId: newProducerId(),
      producerEpoch: 0,
      previousProducerId: current.producerId,
      lastEpoch: isContinued ? producerEpoch : NONE,
      startMs: NONE,
    });
  }
  if (isCurrent) {
    const lastEpoch = isContinued ? producerEpoch : NONE;
    return move({ ...empty, producerEpoch: producerEpoch + 1, lastEpoch, startMs: NONE });
  }
  // The answer of the first attempt was lost.
  return command.producerEpoch === current.lastEpoch ? KEEP : refuse("PRODUCER_FENCED");
}

function mayContinue(current: TransactionState, { producerId, producerEpoch }: ProducerSession): boolean {
  if (producerId === current.producerId) return true;
  return producerId === current.previousProducerId && producerEpoch >= LAST_EPOCH;
}

/**
 * Aborts an open transaction with a higher epoch, so that its producer can neither end it nor write on. As an end of
 * version 1: in version 2 its producer would receive the new epoch, as if it had ended the transaction itself.
 */
function planFence(current: TransactionState, nowMs: number): TransactionPlan {
  const producerEpoch = current.producerEpoch + 1;
  return move({ ...current, producerEpoch, lastEpoch: NONE, status: "PrepareAbort", updateMs: nowMs, version: 1 });
}

/** Plans AddPartitionsToTxn, and what adds a partition implicitly. */
export function planAdd(
  current: TransactionState | undefined,
  session: ProducerSession,
  partitions: TransactionPartitions,
  version: TransactionVersion,
  nowMs: number,
): TransactionPlan {
  const fault = busyFault(current) ?? sessionFault(current, session);
  if (fault || !current) return refuse(fault ?? "INVALID_PRODUCER_ID_MAPPING");
  const isOngoing = current.status === "Ongoing";
  if (isOngoing && hasPartitions(current.partitions, partitions)) return KEEP;
  return move({
    ...current,
    status: "Ongoing",
    partitions: withPartitions(isOngoing ? current.partitions : NO_PARTITIONS, partitions),
    startMs: isOngoing ? current.startMs : nowMs,
    updateMs: nowMs,
    version,
  });
}

/**
 * Judges data of a transaction: its producer must be the current one, and the partition have been added to its open
 * transaction (KIP-890). Returns an error, undefined: it may be written.
 */
export function judgeTransactionData(
  current: TransactionState | undefined,
  session: ProducerSession,
  partitions: TransactionPartitions,
): ErrorName | undefined {
  const fault = busyFault(current) ?? sessionFault(current, session);
  if (fault || !current) return fault ?? "INVALID_PRODUCER_ID_MAPPING";
  if (current.status !== "Ongoing" || !hasPartitions(current.partitions, partitions)) return "INVALID_TXN_STATE";
  return undefined;
}

/**
 * The error of a session while an end is carried out. It comes before those of the session itself: the producer may
 * already know the id that follows, which is valid once the end is complete.
 */
function busyFault(current: TransactionState | undefined): ErrorName | undefined {
  return current && isEnding(current) ? "CONCURRENT_TRANSACTIONS" : undefined;
}

function sessionFault(current: TransactionState | undefined, session: ProducerSession): ErrorName | undefined {
  if (current?.producerId !== session.producerId) return "INVALID_PRODUCER_ID_MAPPING";
  return current.producerEpoch === session.producerEpoch ? undefined : "PRODUCER_FENCED";
}

/** EndTxn. */
export interface EndCommand extends ProducerSession {
  readonly isCommit: boolean;
  readonly version: TransactionVersion;
}

/**
 * Plans EndTxn. A repeated request is recognised by the state: in version 1 an end of the same kind, in version 2 also by
 * the epoch before the current one, or by the producer id before.
 */
export function planEnd(
  current: TransactionState | undefined,
  command: EndCommand,
  nowMs: number,
  newProducerId: () => number,
): TransactionPlan {
  return command.version === 1
    ? planEndOf1(current, command, nowMs)
    : planEndOf2(current, command, nowMs, newProducerId);
}

function planEndOf1(current: TransactionState | undefined, command: EndCommand, nowMs: number): TransactionPlan {
  const fault = sessionFault(current, command);
  if (fault || !current) return refuse(fault ?? "INVALID_PRODUCER_ID_MAPPING");
  const { isCommit } = command;
  if (current.status === "Ongoing") {
    return move({ ...current, status: preparing(isCommit), updateMs: nowMs, version: 1 });
  }
  if (current.status === preparing(isCommit)) return refuse("CONCURRENT_TRANSACTIONS");
  return current.status === completed(isCommit) ? KEEP : refuse("INVALID_TXN_STATE");
}

function planEndOf2(
  current: TransactionState | undefined,
  command: EndCommand,
  nowMs: number,
  newProducerId: () => number,
): TransactionPlan {
  const fault = busyFault(current);
  if (fault || !current) return refuse(fault ?? "INVALID_PRODUCER_ID_MAPPING");
  const { isCommit } = command;
  const { status, producerEpoch } = current;
  const isRetryAcrossIds =
    command.producerId === current.previousProducerId && command.producerEpoch === LAST_EPOCH && producerEpoch === 0;
  if (command.producerId !== current.producerId && !isRetryAcrossIds) return refuse("INVALID_PRODUCER_ID_MAPPING");
  const isRetry = current.version === 2 && (isRetryAcrossIds || command.producerEpoch === producerEpoch - 1);
  if (!isRetry && command.producerEpoch !== producerEpoch) return refuse("PRODUCER_FENCED");
  if (isRetry) {
    if (status === completed(isCommit)) return KEEP;
    return refuse(status === "Empty" || status === "Ongoing" ? "PRODUCER_FENCED" : "INVALID_TXN_STATE");
  }
  const isOngoing = status === "Ongoing";
  // A producer that does not know whether its data has begun a transaction aborts in any case.
  if (!isOngoing && isCommit) return refuse("INVALID_TXN_STATE");
  return move({
    ...current,
    producerEpoch: producerEpoch + 1,
    lastEpoch: producerEpoch,
    nextProducerId: producerEpoch >= LAST_EPOCH ? newProducerId() : NONE,
    status: preparing(isCommit),
    partitions: isOngoing ? current.partitions : NO_PARTITIONS,
    startMs: isOngoing ? current.startMs : nowMs,
    updateMs: nowMs,
    version: 2,
  });
}

function preparing(isCommit: boolean): "PrepareCommit" | "PrepareAbort" {
  return isCommit ? "PrepareCommit" : "PrepareAbort";
}

function completed(isCommit: boolean): "CompleteCommit" | "CompleteAbort" {
  return isCommit ? "CompleteCommit" : "CompleteAbort";
}

/** The state after all markers of an ending transaction are written. */
export function planCompletion(current: TransactionState, nowMs: number): TransactionState {
  const { nextProducerId } = current;
  const rotated =
    nextProducerId === NONE
      ? {}
      : { producerId: nextProducerId, producerEpoch: 0, previousProducerId: current.producerId, nextProducerId: NONE };
  return {
    ...current,
    ...rotated,
    status: completed(current.status === "PrepareCommit"),
    partitions: NO_PARTITIONS,
    updateMs: nowMs,
  };
}

/** Plans the abort of a transaction that is older than its timeout. */
export function planTimeout(current: TransactionState, nowMs: number): TransactionPlan {
  if (current.status !== "Ongoing" || current.startMs + current.timeoutMs >= nowMs) return KEEP;
  return planFence(current, nowMs);
}

/** Whether an id was not used for `expirationMs` (transactional.id.expiration.ms), and is forgotten. */
export function isExpired(current: TransactionState, nowMs: number, expirationMs: number): boolean {
  const isIdle = !isEnding(current) && current.status !== "Ongoing";
  return isIdle && current.updateMs + expirationMs <= nowMs;
}

function move(next: TransactionState): TransactionPlan {
  return { kind: "move", next };
}

function refuse(error: ErrorName): TransactionPlan {
  return { kind: "refuse", error };
}
