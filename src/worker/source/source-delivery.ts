import type { SourceOffset, SourceRecord, TransactionContext } from "../../api/index.js";
import type { ProducerRecord } from "../../kafka/client/producer.js";
import type { RecordErrors } from "../task/record-errors.js";
import type { TaskCounters } from "../task/task-counters.js";
import type { TaskLife } from "../task/task-life.js";
import type { NewConnectivity, TaskStatus } from "../task/task-runner.js";
import type { SourceFailure } from "./source-record-encoder.js";

/** Share of `offset.flush.timeout.ms` that an ending task waits for acknowledgements before its last commit. */
export const DRAIN_SHARE = 0.7;

/**
 * The way of a source task's records and offsets into Kafka: at least once (`ledger-delivery`), or in transactions
 * (`transaction-delivery`). Called by the task's runner only, one call at a time.
 */
export interface SourceDelivery {
  /** Records submitted and not settled. */
  readonly unsettled: number;
  /** Of those, the ones that wait for nothing but the boundary of their transaction. */
  readonly awaitingBoundary: number;
  /** Bytes of records without an outcome. */
  readonly bufferedBytes: number;
  /** Await `drained` before producing more. */
  readonly full: boolean;
  drained(): Promise<void>;

  /** For the task's context, if the task defines the boundaries of transactions. */
  readonly requests: TransactionContext | undefined;

  /** Before the task's own start: takes what it needs to write. @throws the reason why it must not run */
  open(): Promise<void>;
  /** The task has started. */
  begin(): void;
  /** Takes a batch, in poll order, before any of its records is produced or dropped. */
  submit(batch: readonly SourceRecord[]): Submission;
  /** After each poll and its batch, which may be empty. @throws what fails the task */
  polled(): Promise<void>;
  /** The task pauses. @throws what fails the task */
  paused(): Promise<void>;
  /** The task asks for a commit of everything that it has returned by then. */
  requestCommit(): void;
  /** The task has polled for the last time: waits for the last records, commits, and gives up after `timeoutMs`. */
  finish(timeoutMs: number): Promise<void>;
  /** No commit may begin any more, and none in flight affects the task. */
  end(): void;
  /** @param isDead leaves everything as it is, as a crash would. */
  close(isDead: boolean): Promise<void>;
}

/** One batch on its way. */
export interface Submission {
  /** Produces the next record of the batch. A promise, if there is one, must be awaited before the next record. */
  produce(record: SourceRecord, produced: ProducerRecord): Promise<void> | undefined;
  /** The next record of the batch was dropped deliberately. As `produce`. */
  drop(record: SourceRecord): Promise<void> | undefined;
  /** The batch ends before its record `from`: the rest never reached the producer, and is read again. */
  withdraw(from: number): void;
}

/** The task that a delivery works for. */
export interface DeliveryOwner {
  readonly life: TaskLife;
  readonly status: TaskStatus;
  readonly counters: TaskCounters;
  readonly errors: RecordErrors<SourceFailure>;
  readonly connectivity: NewConnectivity;
  readonly taskClassName: string;
  /** Passes stored offsets to the task's `commit`. @throws the task's own error */
  stored(offsets: readonly SourceOffset[]): Promise<void>;
}
