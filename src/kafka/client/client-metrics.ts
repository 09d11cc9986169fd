/**
 * What a client has done since it was created, all of its producers, consumers and members together. All but the marked
 * only grow; "recent" is a maximum over the last 30 to 60 seconds.
 */
export interface ClientMetrics {
  readonly clientId: string;
  /** Requests sent, the broker's answers to them or not; those of opening a connection are not counted. */
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Answered Produce and Fetch requests, their time in all, and the longest, recent. */
  readonly transfers: number;
  readonly transferTimeMs: number;
  readonly transferMaxMs: number;
  /** Producer: records in requests, each attempt counted. */
  readonly recordsSent: number;
  /** Producer: records that will be sent again. */
  readonly recordsRetried: number;
  /** Producer: records that failed for good. */
  readonly recordsFailed: number;
  /** Consumer: records that `poll` returned, and fetched bytes of records. */
  readonly recordsConsumed: number;
  readonly bytesConsumed: number;
}
