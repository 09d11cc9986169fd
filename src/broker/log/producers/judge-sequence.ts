import type { ErrorName } from "../../../protocol/error-codes.js";
import { isTransactional } from "../../../protocol/records/record-batch.js";
import { sequenceAfter } from "../../../protocol/records/sequence.js";
import type { ProducerEntry, RememberedBatch, SequencedBatch } from "./producer-state.js";

/** `begins`: the batch is the first of its producer's transaction in this partition. */
export type SequenceVerdict =
  | { readonly kind: "append"; readonly begins: boolean }
  | { readonly kind: "duplicate"; readonly batch: RememberedBatch }
  | { readonly kind: "refused"; readonly error: ErrorName; readonly message: string };

/**
 * Judges a producer's batch by the partition's state of that producer (KIP-98): a retry of one of the last five batches
 * is a duplicate; an older epoch is refused, and so is a gap in the sequence, since an earlier batch is missing. An
 * unknown producer (new, expired, or its records deleted) may start at any sequence (KIP-360). While a transaction is
 * open, its producer may write nothing outside of it.
 *
 * Whether a transaction may begin here is for the transaction coordinator to say: `begins`.
 */
export function judgeSequence(entry: ProducerEntry | undefined, batch: SequencedBatch): SequenceVerdict {
  if (!entry) return { kind: "append", begins: isTransactional(batch) };
  const { producerId, producerEpoch, baseSequence } = batch;
  const isOpen = entry.transactionStart >= 0 && producerEpoch === entry.epoch;
  const lastSequence = sequenceAfter(baseSequence, batch.lastOffsetDelta);
  if (producerEpoch === entry.epoch) {
    for (const known of entry.batches) {
      if (known.firstSequence === baseSequence && known.lastSequence === lastSequence) {
        return { kind: "duplicate", batch: known };
      }
    }
  }
  if (producerEpoch < entry.epoch) {
    const message = `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${entry.epoch}`;
    return { kind: "refused", error: "INVALID_PRODUCER_EPOCH", message };
  }
  const outOfOrder = (message: string): SequenceVerdict => {
    return { kind: "refused", error: "OUT_OF_ORDER_SEQUENCE_NUMBER", message };
  };
  if (producerEpoch > entry.epoch) {
    if (baseSequence !== 0) {
      return outOfOrder(
        `Producer ${producerId} starts epoch ${producerEpoch} at sequence ${baseSequence}, expected 0 (last epoch ${entry.epoch})`,
      );
    }
  } else {
    const last = entry.batches.at(-1);
    const expected = last ? sequenceAfter(last.lastSequence, 1) : 0;
    if (baseSequence !== expected) {
      return outOfOrder(
        `Producer ${producerId} of epoch ${producerEpoch} sent sequence ${baseSequence}, expected ${expected}`,
      );
    }
  }
  if (entry.transactionStart >= 0 && !isTransactional(batch)) {
    const message = `Producer ${producerId} has an open transaction here, and sent a batch that is not part of it`;
    return { kind: "refused", error: "INVALID_TXN_STATE", message };
  }
  return { kind: "append", begins: isTransactional(batch) && !isOpen };
}
