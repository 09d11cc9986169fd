import { isTransactional } from "../../../protocol/records/record-batch.js";
import { sequenceAfter } from "../../../protocol/records/sequence.js";
import type { TransactionMarker } from "../../../protocol/records/transaction-marker.js";
import type { AbortedTransaction } from "../segments/transaction-index.js";

/** Batches remembered per producer: as many as it may have in flight per partition (KIP-98, KAFKA-5494). */
const REMEMBERED_BATCHES = 5;

/** The fields of a batch header that matter for idempotence and transactions. */
export interface SequencedBatch {
  readonly attributes: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
  readonly maxTimestampMs: number;
}

/** An appended batch, remembered to recognise its retry. */
export interface RememberedBatch {
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
  /** Epoch of the coordinator that wrote the last marker; -1: no marker yet. */
  coordinatorEpoch: number;
  /** First offset of the open transaction; -1: none is open. */
  transactionStart: number;
  /** Timestamp of the last batch or marker. */
  lastTimestampMs: number;
  seenAtMs: number;
}

/** A transaction that has no marker in this partition yet. */
export interface OpenTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** An ended transaction whose marker is not readable yet. */
interface EndedTransaction {
  readonly firstOffset: number;
  readonly markerOffset: number;
}

/**
 * One partition's producers and open transactions: a fold of its batches. Changed only by its log, by the same two steps
 * on append and on replay at recovery.
 */
export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();
  /** First offsets of the open transactions by producer id, in the order of these offsets. */
  readonly #open = new Map<number, number>();
  #ended: EndedTransaction[] = [];

  get size(): number {
    return this.#entries.size;
  }

  /** The open transactions, by rising first offset. */
  get open(): OpenTransaction[] {
    return [...this.#open].map(([producerId, firstOffset]) => ({ producerId, firstOffset }));
  }

  entry(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId);
  }

  /** Records a batch of records appended at `baseOffset`. Batches without a producer id are ignored. */
  note(batch: SequencedBatch, baseOffset: number, nowMs: number): void {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = batch;
    if (producerId < 0) return;
    const entry = this.#entryFor(producerId, producerEpoch, nowMs);
    entry.batches.push({
      firstSequence: baseSequence,
      lastSequence: sequenceAfter(baseSequence, lastOffsetDelta),
      lastOffset: baseOffset + lastOffsetDelta,
      offsetDelta: lastOffsetDelta,
      timestamp: batch.maxTimestampMs,
    });
    if (entry.batches.length > REMEMBERED_BATCHES) entry.batches.shift();
    entry.lastTimestampMs = batch.maxTimestampMs;
    if (!isTransactional(batch) || entry.transactionStart >= 0) return;
    entry.transactionStart = baseOffset;
    this.#open.set(producerId, baseOffset);
  }

  /**
   * Records a marker appended at `offset`: it ends the producer's transaction, if one is open here, and has no sequence
   * number. A newer epoch begins at sequence 0.
   *
   * @returns the transaction, if it is aborted by this.
   */
  end(marker: TransactionMarker, offset: number, timestampMs: number, nowMs: number): AbortedTransaction | undefined {
    const { producerId, producerEpoch, kind, coordinatorEpoch } = marker;
    const entry = this.#entryFor(producerId, producerEpoch, nowMs);
    const firstOffset = entry.transactionStart;
    entry.coordinatorEpoch = coordinatorEpoch;
    entry.lastTimestampMs = timestampMs;
    if (firstOffset < 0) return undefined;
    entry.transactionStart = -1;
    this.#open.delete(producerId);
    this.#ended.push({ firstOffset, markerOffset: offset });
    if (kind === "COMMIT") return undefined;
    return { producerId, firstOffset, lastOffset: offset, lastStableOffset: this.#firstOpen() ?? offset + 1 };
  }

  /**
   * The first offset of a transaction that readers of committed records must wait for: it is open, or its marker is not
   * below `highWatermark`. Undefined: there is none.
   *
   * @param highWatermark never lower than in an earlier call.
   */
  firstUnstable(highWatermark: number): number | undefined {
    let first = this.#firstOpen();
    if (this.#ended.length === 0) return first;
    this.#ended = this.#ended.filter(({ markerOffset }) => markerOffset >= highWatermark);
    for (const { firstOffset } of this.#ended) first = Math.min(first ?? firstOffset, firstOffset);
    return first;
  }

  /** Removes producers that are idle for longer than `expirationMs` (producer.id.expiration.ms), in no transaction. */
  expire(nowMs: number, expirationMs: number): void {
    for (const { producerId, transactionStart, seenAtMs } of this.#entries.values()) {
      if (transactionStart < 0 && nowMs - seenAtMs > expirationMs) this.#entries.delete(producerId);
    }
  }

  /** All producers, for a snapshot. */
  entries(): Iterable<ProducerEntry> {
    return this.#entries.values();
  }

  /** Replaces the whole state by that of a snapshot. */
  restore(entries: Iterable<ProducerEntry>): void {
    this.#entries.clear();
    this.#open.clear();
    this.#ended = [];
    for (const entry of entries) this.#entries.set(entry.producerId, entry);
    const open = [...this.#entries.values()].filter(({ transactionStart }) => transactionStart >= 0);
    for (const { producerId, transactionStart } of open.sort((a, b) => a.transactionStart - b.transactionStart)) {
      this.#open.set(producerId, transactionStart);
    }
  }

  #firstOpen(): number | undefined {
    const first = this.#open.values().next();
    return first.done ? undefined : first.value;
  }

  #entryFor(producerId: number, epoch: number, nowMs: number): ProducerEntry {
    let entry = this.#entries.get(producerId);
    if (!entry) {
      entry = {
        producerId,
        epoch,
        batches: [],
        coordinatorEpoch: -1,
        transactionStart: -1,
        lastTimestampMs: -1,
        seenAtMs: nowMs,
      };
      this.#entries.set(producerId, entry);
    } else if (entry.epoch !== epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    entry.seenAtMs = nowMs;
    return entry;
  }
}
