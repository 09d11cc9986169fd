/** The states of a transaction, by their number in Kafka's records. The last one is never stored. */
export const TRANSACTION_STATUSES = [
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
  "Dead",
  "PrepareEpochFence",
] as const;

export type TransactionStatus = (typeof TRANSACTION_STATUSES)[number];

/** No producer id, epoch or time. */
export const NONE = -1;

/** The largest epoch that a producer is given. The next one is left for fencing it (KIP-360). */
export const LAST_EPOCH = 2 ** 15 - 2;

/** Partitions of a transaction, by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

export const NO_PARTITIONS: TransactionPartitions = new Map();

/**
 * How a producer ends its transactions. 1: its epoch stays, and it adds partitions by request. 2: its epoch rises with
 * each end, and data adds its partition (KIP-890).
 */
export type TransactionVersion = 1 | 2;

/** The state of one transactional id, as its record in `__transaction_state` holds it. Immutable. Times are wall-clock. */
export interface TransactionState {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The producer id before the current one, whose epochs were used up; NONE: none. */
  readonly previousProducerId: number;
  /** The producer id that follows once the ending transaction is complete; NONE: the same. */
  readonly nextProducerId: number;
  /** The epoch of a session that was continued with its own epoch (KIP-360): its retry is recognised. Not stored. */
  readonly lastEpoch: number;
  /** The age at which the coordinator aborts a transaction. */
  readonly timeoutMs: number;
  readonly status: TransactionStatus;
  readonly partitions: TransactionPartitions;
  /** When the transaction began; NONE before the first. */
  readonly startMs: number;
  readonly updateMs: number;
  readonly version: TransactionVersion;
}

/** Whether the outcome is decided and stored, and markers are still to be written. */
export function isEnding({ status }: TransactionState): boolean {
  return status === "PrepareCommit" || status === "PrepareAbort";
}

/** Whether `all` has every partition of `some`. */
export function hasPartitions(all: TransactionPartitions, some: TransactionPartitions): boolean {
  for (const [topic, partitions] of some) {
    const known = all.get(topic);
    for (const partition of partitions) if (!known?.has(partition)) return false;
  }
  return true;
}

export function withPartitions(all: TransactionPartitions, added: TransactionPartitions): TransactionPartitions {
  const union = new Map(all);
  for (const [topic, partitions] of added) union.set(topic, new Set([...(all.get(topic) ?? []), ...partitions]));
  return union;
}

/** One partition as a set. */
export function onlyPartition(topic: string, partition: number): TransactionPartitions {
  return new Map([[topic, new Set([partition])]]);
}
