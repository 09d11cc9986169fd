import { sequenceAfter } from "../../protocol/records/sequence.js";

/** Batches remembered per producer: as many as it may have in flight per partition (KIP-98, KAFKA-5494). */
const REMEMBERED_BATCHES = 5;

/** The fields of a batch header that matter for idempotence. */
export interface SequencedBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
  readonly maxTimestampMs: number;
}

/** An appended batch, remembered to recognise its retry. */
interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestamp: number;
}

/** One partition's state of one producer. `seenAtMs` is broker time, for expiry. */
export interface ProducerEntry {
  readonly producerId: number;
  epoch: number;
  batches: RememberedBatch[];
  seenAtMs: number;
}

export type SequenceVerdict =
  | { readonly kind: "append" }
  | { readonly kind: "duplicate"; readonly batch: RememberedBatch }
  | { readonly kind: "stale-epoch"; readonly message: string }
  | { readonly kind: "out-of-order"; readonly message: string };

/**
 * Judges a batch of an idempotent producer by the partition's state of that producer (KIP-98): a retry of one of the
 * last five batches is a duplicate; an older epoch is refused, and so is a gap in the sequence, since an earlier batch
 * is missing. An unknown producer (new, expired, or its records deleted) may start at any sequence (KIP-360).
 */
export function judgeSequence(entry: ProducerEntry | undefined, batch: SequencedBatch): SequenceVerdict {
  if (!entry) return { kind: "append" };
  const { producerId, producerEpoch, baseSequence } = batch;
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
    return { kind: "stale-epoch", message };
  }
  if (producerEpoch > entry.epoch) {
    if (baseSequence === 0) return { kind: "append" };
    const message = `Producer ${producerId} starts epoch ${producerEpoch} at sequence ${baseSequence}, expected 0 (last epoch ${entry.epoch})`;
    return { kind: "out-of-order", message };
  }
  const last = entry.batches.at(-1);
  const expected = last ? sequenceAfter(last.lastSequence, 1) : 0;
  if (baseSequence === expected) return { kind: "append" };
  const message = `Producer ${producerId} of epoch ${producerEpoch} sent sequence ${baseSequence}, expected ${expected}`;
  return { kind: "out-of-order", message };
}

/** One partition's state of its producers. Changed only by its log: on append, and on replay at recovery. */
export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();

  get size(): number {
    return this.#entries.size;
  }

  entry(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId);
  }

  /** Records a batch appended at `baseOffset`. Batches without a producer id are ignored. */
  note(batch: SequencedBatch, baseOffset: number, nowMs: number): void {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = batch;
    if (producerId < 0) return;
    let entry = this.#entries.get(producerId);
    if (!entry) {
      entry = { producerId, epoch: producerEpoch, batches: [], seenAtMs: nowMs };
      this.#entries.set(producerId, entry);
    }
    if (entry.epoch !== producerEpoch) {
      entry.epoch = producerEpoch;
      entry.batches = [];
    }
    entry.batches.push({
      firstSequence: baseSequence,
      lastSequence: sequenceAfter(baseSequence, lastOffsetDelta),
      lastOffset: baseOffset + lastOffsetDelta,
      offsetDelta: lastOffsetDelta,
      timestamp: batch.maxTimestampMs,
    });
    if (entry.batches.length > REMEMBERED_BATCHES) entry.batches.shift();
    entry.seenAtMs = nowMs;
  }

  /**
   * Records the end of a transaction, in a log that Kafka has written: it has no sequence number. A newer epoch begins
   * at sequence 0.
   */
  noteMarker({ producerId, producerEpoch }: Pick<SequencedBatch, "producerId" | "producerEpoch">, nowMs: number): void {
    const entry = this.#entries.get(producerId);
    if (entry?.epoch === producerEpoch) entry.seenAtMs = nowMs;
    else this.#entries.set(producerId, { producerId, epoch: producerEpoch, batches: [], seenAtMs: nowMs });
  }

  /** Removes producers idle for longer than `expirationMs` (producer.id.expiration.ms). */
  expire(nowMs: number, expirationMs: number): void {
    for (const entry of this.#entries.values()) {
      if (nowMs - entry.seenAtMs > expirationMs) this.#entries.delete(entry.producerId);
    }
  }

  /** All producers, for a snapshot. It stores only the last batch of each, as in Kafka. */
  entries(): Iterable<ProducerEntry> {
    return this.#entries.values();
  }

  /** Replaces the whole state by that of a snapshot. */
  restore(entries: Iterable<ProducerEntry>): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.producerId, entry);
  }
}
