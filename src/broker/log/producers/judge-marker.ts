import type { ErrorName } from "../../../protocol/error-codes.js";
import type { TransactionMarker } from "../../../protocol/records/transaction-marker.js";
import type { ProducerEntry } from "./producer-state.js";

export interface RefusedMarker {
  readonly error: ErrorName;
  readonly message: string;
}

/**
 * Why a marker may not be written to a partition with this state of its producer; undefined: it may. One without an open
 * transaction is allowed: a coordinator repeats its markers after a crash.
 */
export function judgeMarker(entry: ProducerEntry | undefined, marker: TransactionMarker): RefusedMarker | undefined {
  if (!entry) return undefined;
  const { producerId, producerEpoch, coordinatorEpoch } = marker;
  if (producerEpoch < entry.epoch) {
    const message = `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${entry.epoch}`;
    return { error: "INVALID_PRODUCER_EPOCH", message };
  }
  if (coordinatorEpoch < entry.coordinatorEpoch) {
    const message = `Epoch of the coordinator is ${coordinatorEpoch}, smaller than the last seen epoch ${entry.coordinatorEpoch}`;
    return { error: "TRANSACTION_COORDINATOR_FENCED", message };
  }
  return undefined;
}
