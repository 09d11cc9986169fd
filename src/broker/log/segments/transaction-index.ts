/**
 * An aborted transaction. `lastOffset` is its marker's. `lastStableOffset`: when the marker was written, all
 * transactions that began before it had ended.
 */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}
