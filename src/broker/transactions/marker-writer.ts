import { KafkaError } from "../../protocol/kafka-error.js";
import type { TransactionMarker } from "../../protocol/records/transaction-marker.js";
import type { PartitionLog } from "../log/partition-log.js";

export interface MarkerWriterOptions {
  /** The log of a partition; undefined when it is gone. */
  readonly logOf: (topic: string, partition: number) => PartitionLog | undefined;
  /** Called when a transaction that may have committed offsets has ended in a partition of the offsets topic. */
  readonly onOffsetsMarker: (partition: number, producerId: number, isCommit: boolean) => void;
  /** The topic that holds groups' offsets. */
  readonly offsetsTopic: string;
}

/** Writes markers to the partitions of a transaction, groups included. */
export class MarkerWriter {
  constructor(private readonly options: MarkerWriterOptions) {}

  /**
   * Ends a transaction in one partition. Returns once the marker is written; the promise resolves once it is as durable
   * as the broker promises (undefined: it is). A topic that is deleted has nothing to end, and a log that refuses the
   * marker because it has seen a newer one neither, unless a transaction is open there.
   *
   * @throws KafkaError, or rejects with it, when the partition still holds an open transaction.
   */
  write(topic: string, partition: number, marker: TransactionMarker): Promise<void> | undefined {
    const { logOf } = this.options;
    const log = logOf(topic, partition);
    if (!log) return undefined;
    let offset: number;
    try {
      offset = this.append(topic, partition, log, marker);
    } catch (cause) {
      const isOpen = log.openTransactions.some(({ producerId }) => producerId === marker.producerId);
      const isOutdated =
        KafkaError.is(cause, "INVALID_PRODUCER_EPOCH") || KafkaError.is(cause, "TRANSACTION_COORDINATOR_FENCED");
      if (isOutdated && !isOpen) return undefined;
      throw cause;
    }
    return log.settled(offset + 1)?.catch((cause: unknown) => {
      if (logOf(topic, partition) === log) throw cause;
    });
  }

  /** Appends a marker to a log, and ends the transaction in its groups. Returns its offset. @throws KafkaError */
  append(topic: string, partition: number, log: PartitionLog, marker: TransactionMarker): number {
    const offset = log.appendMarker(marker);
    const { offsetsTopic, onOffsetsMarker } = this.options;
    if (topic === offsetsTopic) onOffsetsMarker(partition, marker.producerId, marker.kind === "COMMIT");
    return offset;
  }
}
