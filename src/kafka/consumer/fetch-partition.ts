import type { TopicPartition } from "../client/topic-partition.js";
import { FetchedBatches } from "./fetched-batches.js";

/** Where a partition without a position starts. */
export type ResetTo = "earliest" | "latest";

/** An assigned partition: its reader's position, and the batches fetched ahead. */
export class FetchPartition implements TopicPartition {
  readonly fetched: FetchedBatches;
  paused = false;
  /** No request before this reading of the monotonic clock. */
  retryAtMs = 0;
  failures = 0;
  end = -1;
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

  /** Offset of the next record to deliver; undefined until it is looked up. */
  get position(): number | undefined {
    return this.#position;
  }

  /** Offset of the next fetch: after the held batches. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  get resetTo(): ResetTo | undefined {
    return this.#resetTo;
  }

  /** Increases whenever the position jumps: answers to requests of an older epoch are dropped. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Jumps to an offset and discards the batches fetched ahead. */
  seek(offset: number): void {
    this.#jump();
    this.#position = offset;
    this.#fetchOffset = offset;
  }

  /** Forgets the position, which must then be looked up. */
  reset(to: ResetTo): void {
    this.#jump();
    this.#position = undefined;
    this.#resetTo = to;
  }

  /** Records before `offset` were delivered. */
  advance(offset: number): void {
    this.#position = offset;
    if (offset > this.#fetchOffset) this.#fetchOffset = offset;
  }

  /** Batches before `offset` are held. */
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
