import type {
  SourceLag,
  SourceMap,
  SourceOffset,
  SourcePlugin,
  SourceRecord,
  SourceTask,
  SourceTaskContext,
  TopicReader,
  TopicToRead,
} from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { deferred } from "../../base/deferred.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TargetState } from "../../contract/target-state.js";
import type { KafkaAdmin } from "../../kafka/client/kafka-admin.js";
import type { Producer, ProducerListener, ProducerRecord } from "../../kafka/client/producer.js";
import type { TransactionalProducer } from "../../kafka/client/transactional-producer.js";
import { isRetriable } from "../task/error-policy.js";
import { ownNumbers } from "../task/own-numbers.js";
import { LogReporter, RecordErrors } from "../task/record-errors.js";
import { TaskCounters } from "../task/task-counters.js";
import { TaskLife } from "../task/task-life.js";
import {
  converterFor,
  type NewConnectivity,
  type TaskParts,
  type TaskRunner,
  TaskStatus,
} from "../task/task-runner.js";
import { untilAnswered } from "../task/until-answered.js";
import type { TaskMetrics } from "../worker.js";
import { LedgerDelivery } from "./ledger-delivery.js";
import type { DeliveryOwner, SourceDelivery } from "./source-delivery.js";
import { describeSource, type SourceFailure, SourceRecordEncoder } from "./source-record-encoder.js";
import { SourceTopics } from "./source-topics.js";
import type { TopicCreation } from "./topic-creation.js";
import { TransactionDelivery, type Transactions } from "./transaction-delivery.js";

/** A source task's Kafka clients, created on demand. */
export interface SourceClients {
  producer<T>(listener: ProducerListener<T>, connectivity: NewConnectivity): Producer<T>;
  /** A producer with the task's own transactional id. */
  transactionalProducer<T>(listener: ProducerListener<T>, connectivity: NewConnectivity): TransactionalProducer<T>;
  admin(connectivity: NewConnectivity): KafkaAdmin;
  /** @throws ConfigError */
  openTopic(what: TopicToRead): TopicReader;
  /** Closes all; records still in the producer fail. */
  close(): Promise<void>;
  /** Of those that are open. */
  metrics(): TaskMetrics["clients"];
}

/** The worker's offset store, for this task's connector. */
interface TaskOffsets {
  read(partitions: readonly SourceMap[]): Promise<readonly SourceOffset[]>;
  flush(entries: readonly SourceOffset[]): Promise<void>;
}

export interface SourceTaskParts extends TaskParts {
  readonly plugin: SourcePlugin;
  readonly clients: SourceClients;
  readonly offsets: TaskOffsets;
  /** For exactly-once delivery; undefined: at least once. */
  readonly transactions: Transactions | undefined;
  /** Undefined: the broker's auto-creation handles missing topics. */
  readonly topicCreation: TopicCreation | undefined;
}

/** Records between two turns of the event loop, within one batch. */
const RECORDS_PER_TURN = 1000;
const IDLE_POLL_PAUSE_MS = 5;

/**
 * Drives one source task: poll, submit the batch to the delivery, transform and convert, create missing topics, produce.
 * The delivery stores offsets, each after its records (I1). One batch at a time, in order (I9). No record is skipped
 * except by a transformation or under errors.tolerance=all (I8).
 */
export class SourceTaskRunner implements TaskRunner {
  readonly #counters: TaskCounters;
  readonly #status: TaskStatus;
  readonly #delivery: SourceDelivery;
  readonly #errors: RecordErrors<SourceFailure>;
  readonly #life: TaskLife;
  readonly #encoder: SourceRecordEncoder;
  readonly #topics: SourceTopics;
  #task: SourceTask | undefined;
  #cancelled = false;

  readonly #connectivity: NewConnectivity = () => this.#status.connectivity();

  constructor(private readonly parts: SourceTaskParts) {
    const { id, policy, clock, random, logger } = parts;
    this.#counters = new TaskCounters(id, "source");
    this.#status = new TaskStatus(parts.events);
    this.#life = new TaskLife(this.#status, logger);
    this.#errors = new RecordErrors<SourceFailure>({
      id,
      policy,
      describe: describeSource,
      reporters: policy.log ? [new LogReporter(id, logger, policy.logMessages ? describeSource : undefined)] : [],
      counters: this.#counters,
      clock,
      random,
      logger,
      stopping: this.#life.ending,
    });
    this.#encoder = new SourceRecordEncoder(
      parts.converters,
      parts.chain,
      parts.plugin.taskClassName,
      this.#errors,
      this.#life.ending,
    );
    this.#topics = new SourceTopics(
      parts.topicCreation,
      () => parts.clients.admin(this.#connectivity),
      (topic) => parts.events.topicUsed(topic),
      clock,
      random,
      logger,
      this.#status.connectivity(),
    );
    const owner: DeliveryOwner = {
      life: this.#life,
      status: this.#status,
      counters: this.#counters,
      errors: this.#errors,
      connectivity: this.#connectivity,
      taskClassName: parts.plugin.taskClassName,
      stored: async (offsets) => this.#task?.commit?.(offsets),
    };
    this.#delivery = this.#newDelivery(owner);
  }

  async run(targetState: TargetState): Promise<void> {
    const life = this.#life;
    life.setTargetState(targetState);
    let started = false;
    try {
      if (await life.untilResumed()) {
        this.#status.starting();
        this.#topics.open();
        await this.#delivery.open();
        started = !life.isEnding;
        if (started) await this.#startTask();
        if (!life.isEnding) {
          this.#status.set("RUNNING");
          this.#delivery.begin();
          await this.#loop();
        }
      }
    } catch (error) {
      life.fail(error);
    }
    if (life.isAbandoned) {
      if (this.#cancelled) await this.#stopTask();
      return;
    }
    await this.#release(started);
    if (!life.hasFailed && !life.isAbandoned) this.#status.set("UNASSIGNED");
  }

  setTargetState(state: TargetState): void {
    this.#life.setTargetState(state);
  }

  stop(): void {
    this.#life.stop();
  }

  cancel(): void {
    this.#cancelled = true;
    this.abandon();
  }

  abandon(): void {
    this.#life.abandon();
    this.#delivery.end();
    this.#closeClients().catch((cause) =>
      this.parts.logger.debug(`Closing an abandoned task's clients failed: ${errorMessage(cause)}`),
    );
  }

  forgetTopics(): void {
    this.#topics.forget();
  }

  metrics(): TaskMetrics {
    const { unsettled, awaitingBoundary, bufferedBytes } = this.#delivery;
    const deadLetters = { requests: 0, failures: 0 };
    const gauges = {
      lagRecords: unsettled,
      lagRecordsMax: 0,
      lagBytes: bufferedBytes,
      activeRecords: unsettled,
      awaitingBoundary,
      pendingRecords: 0,
      source: this.#lag(),
      own: this.#gauges(),
      partitions: 0,
      deadLetters,
      clients: this.parts.clients.metrics(),
    };
    return this.#counters.snapshot(gauges, this.parts.clock.monotonicMs());
  }

  #lag(): SourceLag | undefined {
    try {
      // Read here: the answer passes between threads, and a promise or a bigint would break what reads it there.
      const lag = this.#task?.lag?.();
      const [lagBytes, lagMs] = [amount(lag?.lagBytes), amount(lag?.lagMs)];
      return lagBytes === undefined && lagMs === undefined ? undefined : { lagBytes, lagMs };
    } catch (error) {
      // A plugin's fault in a figure must not end its task. At debug, because it is repeated every two seconds.
      this.parts.logger.debug(`lag failed: ${errorMessage(error)}`);
      return undefined;
    }
  }

  #gauges(): Record<string, number> {
    try {
      return ownNumbers(this.#task?.gauges?.());
    } catch (error) {
      // As a fault of `lag`.
      this.parts.logger.debug(`gauges failed: ${errorMessage(error)}`);
      return {};
    }
  }

  async #startTask(): Promise<void> {
    const task = await this.parts.plugin.task();
    if (this.#life.isEnding) return; // another run may have begun
    this.#task = task;
    await task.start(this.#context(), this.parts.props);
  }

  async #loop(): Promise<void> {
    const { clock, logger } = this.parts;
    const life = this.#life;
    const backoff = new Backoff({ initialMs: 100, maxMs: 5000 }, this.parts.random);
    while (!life.isEnding) {
      if (life.isPaused) {
        await this.#delivery.paused();
        if (!(await life.untilResumed())) break;
        this.#status.set("RUNNING");
      }
      const startedMs = clock.monotonicMs();
      let batch: readonly SourceRecord[] | null = null;
      try {
        batch = await this.#task!.poll();
        if (backoff.attempts > 0) this.#status.waiting("retry", undefined);
        backoff.reset();
      } catch (error) {
        if (!isRetriable(error)) throw error;
        const retryMs = backoff.nextMs();
        logger.warn(`poll failed and is tried again: ${errorMessage(error)}`, { retryMs: Math.round(retryMs) });
        this.#status.waiting("retry", `poll is tried again: ${errorMessage(error)}`);
        // An open transaction may become due meanwhile. One that the connector ends by itself never does.
        if (!this.#delivery.requests) await this.#delivery.polled();
        await clock.delay(retryMs, life.ending);
        continue;
      } finally {
        const endedMs = clock.monotonicMs();
        this.#counters.taskTimeMs += endedMs - startedMs;
        if (batch && batch.length > 0) this.#counters.called(endedMs - startedMs, endedMs);
      }
      // `poll` should wait for records; one that returns empty at once must not take a whole core.
      const idle = (batch === null || batch.length === 0) && clock.monotonicMs() - startedMs < 1;
      if (idle) await clock.delay(IDLE_POLL_PAUSE_MS, life.ending);
      // A batch returned while the task stops is still delivered: its source may be unable to produce it again.
      if (batch && batch.length > 0 && !life.hasFailed && !life.isAbandoned) await this.#dispatch(batch);
      if (!life.hasFailed && !life.isAbandoned) await this.#delivery.polled();
      await clock.turn();
    }
  }

  async #dispatch(batch: readonly SourceRecord[]): Promise<void> {
    const { clock } = this.parts;
    this.#counters.batch(batch.length, clock.monotonicMs());
    const delivery = this.#delivery;
    const submission = delivery.submit(batch);
    this.#counters.active(delivery.unsettled, clock.monotonicMs());
    const nowMs = clock.nowMs();
    let at = 0;
    try {
      for (; at < batch.length; at++) {
        const record = batch[at]!;
        let produced: ProducerRecord | null;
        try {
          produced = this.#encoder.encode(record, nowMs);
        } catch (error) {
          const outcome = await this.#encoder.recover(record, error, nowMs);
          if (outcome.kind === "fatal") throw outcome.error;
          if (outcome.kind === "skipped") {
            await submission.drop(record);
            continue;
          }
          produced = outcome.value;
        }
        if (produced === null) {
          // Deliberately dropped: its offset is settled like an acknowledged one, though Kafka Connect waits for the next
          // record's. Otherwise a source whose last records are dropped could never release them.
          this.#errors.noteDropped();
          await submission.drop(record);
          if (at % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) await clock.turn();
          continue;
        }
        if (!this.#topics.has(produced.topic)) await this.#topics.meet(produced.topic, this.#life.ending);
        if (delivery.full && !(await this.#room())) break;
        if (at % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) await clock.turn();
        if (this.#life.hasFailed || this.#life.isAbandoned) break;
        const ended = submission.produce(record, produced);
        this.#encoder.release();
        if (ended) await ended;
      }
    } finally {
      if (at < batch.length) submission.withdraw(at);
    }
  }

  /** Waits for room in the producer. False if the task ends first. */
  async #room(): Promise<boolean> {
    const { ending } = this.#life;
    const ended = deferred();
    const end = () => ended.resolve();
    ending.addEventListener("abort", end, { once: true });
    if (ending.aborted) ended.resolve();
    while (this.#delivery.full && !ending.aborted) await Promise.race([this.#delivery.drained(), ended.promise]);
    ending.removeEventListener("abort", end);
    return !this.#delivery.full;
  }

  /** Final commit, then the task, then the clients. Each step runs even if the one before failed. */
  async #release(started: boolean): Promise<void> {
    if (started) await this.#delivery.finish(this.parts.commitTimeoutMs);
    this.#delivery.end();
    if (this.#life.isAbandoned && !this.#cancelled) return;
    await this.#stopTask();
    if (this.#life.isAbandoned) return;
    await this.#orWarn(() => this.#closeClients());
  }

  async #stopTask(): Promise<void> {
    await this.#orWarn(async () => this.#task?.stop());
    await this.#orWarn(async () => this.parts.chain?.close());
  }

  async #orWarn(end: () => Promise<void>): Promise<void> {
    try {
      await end();
    } catch (cause) {
      this.parts.logger.warn("The task did not end cleanly", {}, cause);
    }
  }

  async #closeClients(): Promise<void> {
    await this.#delivery.close(this.#life.isAbandoned && !this.#cancelled);
    await this.parts.clients.close();
  }

  #newDelivery(owner: DeliveryOwner): SourceDelivery {
    const { id, clients, offsets, transactions, commitIntervalMs, commitTimeoutMs } = this.parts;
    const { clock, random, logger } = this.parts;
    if (transactions) {
      return new TransactionDelivery({
        id,
        owner,
        transactions,
        producer: (listener, connectivity) => clients.transactionalProducer(listener, connectivity),
        commitTimeoutMs,
        clock,
        random,
        logger,
      });
    }
    return new LedgerDelivery({
      owner,
      producer: (listener, connectivity) => clients.producer(listener, connectivity),
      flush: (entries) => offsets.flush(entries),
      commitIntervalMs,
      commitTimeoutMs,
      clock,
      random,
      logger,
    });
  }

  #context(): SourceTaskContext {
    const { id, clock, random, logger, pluginLogger, offsets, plugins } = this.parts;
    const what = "Reading the stored offsets";
    const wait = { what, clock, random, logger, signal: this.#life.ending, waiting: this.#status.connectivity() };
    return {
      connectorName: id.connector,
      taskId: id.task,
      clock,
      random,
      logger: pluginLogger,
      stopping: this.#life.ending,
      waitingFor: (reason) => this.#status.waiting("task", reason ?? undefined),
      converter: (className, props, isKey) => converterFor(plugins, className, props, isKey),
      // A task that starts while Kafka is away waits for it: it must neither start from the beginning nor fail.
      readOffsets: (partitions) => untilAnswered(() => offsets.read(partitions), wait),
      openTopic: (what) => this.parts.clients.openTopic(what),
      requestCommit: () => this.#delivery.requestCommit(),
      transactions: this.#delivery.requests,
    };
  }
}

/** A figure of a plugin, which may be anything. */
function amount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, value) : undefined;
}
