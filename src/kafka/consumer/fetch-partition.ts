import type { TopicPartition } from "../kafka-client.js";
import { FetchedBatches } from "./fetched-batches.js";

/** Where a partition without a position will begin. */
export type ResetTo = "earliest" | "latest";

/** An assigned partition: where its reader is, and what was fetched ahead. */
export class FetchPartition implements TopicPartition {
  readonly fetched: FetchedBatches;
  paused = false;
  /** No request for it before this reading of the monotonic clock. */
  retryAtMs = 0;
  failures = 0;
  highWatermark = -1;
  #position: number | undefined;
  #fetchOffset = 0;
  #resetTo: ResetTo | undefined;
  #epoch = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    checkCrcs: boolean,
  ) {
    this.fetched = new FetchedBatches(`${topic}-${partition}`, checkCrcs);
  }

  /** Offset of the next record to hand out; undefined while it has to be looked up. */
  get position(): number | undefined {
    return this.#position;
  }

  /** Offset of the next fetch: after what is held. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  get resetTo(): ResetTo | undefined {
    return this.#resetTo;
  }

  /** Changes whenever the position jumps: an answer asked for before is not for this position any more. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Jumps to an offset; what was fetched ahead is thrown away. */
  seek(offset: number): void {
    this.#jump();
    this.#position = offset;
    this.#fetchOffset = offset;
  }

  /** Forgets its position; it is to be looked up. */
  reset(to: ResetTo): void {
    this.#jump();
    this.#position = undefined;
    this.#resetTo = to;
  }

  /** Records up to `offset` were handed out. */
  advance(offset: number): void {
    this.#position = offset;
    if (offset > this.#fetchOffset) this.#fetchOffset = offset;
  }

  /** Batches up to `offset` are held. */
  heldUpTo(offset: number): void {
    this.#fetchOffset = offset;
  }

  #jump(): void {
    this.#epoch++;
    this.#resetTo = undefined;
    this.fetched.clear();
    this.retryAtMs = 0;
    this.failures = 0;
  }
}
