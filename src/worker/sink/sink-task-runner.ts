import type {
  SinkPlugin,
  SinkRecord,
  SinkTask,
  SinkTaskContext,
  TopicPartition,
  TopicPartitionOffset,
} from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TargetState } from "../../contract/target-state.js";
import type { FetchedRecords } from "../../kafka/client/consumer.js";
import type { GroupConsumer, RebalanceListener } from "../../kafka/client/group-consumer.js";
import { isRetriable } from "../task/error-policy.js";
import { type FailureReporter, LogReporter, RecordErrors } from "../task/record-errors.js";
import { TaskCounters } from "../task/task-counters.js";
import { TaskLife } from "../task/task-life.js";
import {
  converterFor,
  type NewConnectivity,
  type TaskParts,
  type TaskRunner,
  TaskStatus,
} from "../task/task-runner.js";
import type { TaskMetrics } from "../worker.js";
import type { ConsumedRecord, DeadLetterQueue } from "./dead-letter-queue.js";
import { SinkCommits } from "./sink-commits.js";
import { SinkPartitions } from "./sink-partitions.js";
import { describeConsumed, SinkRecordDecoder } from "./sink-record-decoder.js";

/** A sink task's Kafka clients, created on demand. */
export interface SinkClients {
  consumer(
    topics: readonly string[] | RegExp,
    listener: RebalanceListener,
    connectivity: NewConnectivity,
  ): GroupConsumer;
  /**
   * Creates the dead letter queue and first its topic; undefined without one.
   *
   * @throws NotFoundError TOPIC_NOT_CREATED
   */
  deadLetters(connectivity: NewConnectivity, signal: AbortSignal): Promise<DeadLetterQueue | undefined>;
  close(): Promise<void>;
  /** Of those that are open. */
  metrics(): TaskMetrics["clients"];
}

export interface SinkTaskParts extends TaskParts {
  readonly plugin: SinkPlugin;
  readonly clients: SinkClients;
  readonly topics: readonly string[] | RegExp;
}

/** A batch for `put`, delivered again whole and alone until `put` accepts it. */
interface Delivery {
  records: readonly SinkRecord[];
  /** The position of each partition after the records. */
  readonly positions: readonly TopicPartitionOffset[];
  attempts: number;
  /** No attempt before this time, on the monotonic clock. */
  dueMs: number;
}

/** The longest wait for records. `put([])` is called at least this often, because sinks rotate files by time in it. */
const POLL_WAIT_MS = 500;
const LEAVE_WAIT_MS = 2000;

/**
 * Drives one sink task: poll, convert, transform, put, and at intervals preCommit and commit. Rebalances run inside a
 * poll, so that two calls of the task never overlap, but for a `close` after a `preCommit` that took too long. Commits only offsets that `preCommit` returned (I2). A batch that
 * `put` could not accept yet is delivered again before anything else (I8, I9).
 */
export class SinkTaskRunner implements TaskRunner {
  readonly #counters: TaskCounters;
  readonly #status: TaskStatus;
  readonly #partitions = new SinkPartitions();
  readonly #life: TaskLife;
  readonly #usedTopics = new Set<string>();
  readonly #seeks: TopicPartitionOffset[] = [];
  readonly #retryBackoff: Backoff;
  #decoder!: SinkRecordDecoder;
  #errors!: RecordErrors<ConsumedRecord>;
  #commits!: SinkCommits;
  #deadLetters: DeadLetterQueue | undefined;
  #consumer: GroupConsumer | undefined;
  #task: SinkTask | undefined;
  #delivery: Delivery | undefined;
  /** The task's own reports of bad records that are not written yet. */
  readonly #reports = new Set<Promise<Error | undefined>>();
  /** Under errors.tolerance=none, the first of them. */
  #fatalReport: Promise<Error | undefined> | undefined;
  #retryAfterMs: number | undefined;
  #cancelled = false;

  readonly #connectivity: NewConnectivity = () => this.#status.connectivity();

  constructor(private readonly parts: SinkTaskParts) {
    this.#counters = new TaskCounters(parts.id, "sink");
    this.#status = new TaskStatus(parts.events);
    this.#life = new TaskLife(this.#status, parts.logger);
    this.#retryBackoff = new Backoff({ initialMs: 500, maxMs: 5000 }, parts.random);
  }

  async run(targetState: TargetState): Promise<void> {
    const life = this.#life;
    life.setTargetState(targetState);
    try {
      // A task that starts out PAUSED is created when it resumes.
      if (await life.untilResumed()) {
        this.#status.starting();
        await this.#start();
        if (!life.isEnding) await this.#loop();
      }
    } catch (error) {
      life.fail(error);
    }
    if (!life.isAbandoned) await this.#release();
    else if (this.#cancelled) await this.#stopTask();
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
    this.#life.abandon();
    // Leaves the group, so that its successor need not wait for the dead member's session to time out.
    const { clock, clients } = this.parts;
    const left = this.#orWarn(() => this.#consumer?.close());
    void Promise.race([left, clock.delay(LEAVE_WAIT_MS)]).then(() => this.#orWarn(() => clients.close()));
  }

  abandon(): void {
    this.#life.abandon();
    this.#consumer?.abandon();
    this.parts.clients
      .close()
      .catch((cause) => this.parts.logger.debug(`Closing an abandoned task's clients failed: ${errorMessage(cause)}`));
  }

  forgetTopics(): void {
    this.#usedTopics.clear();
  }

  metrics(): TaskMetrics {
    const { lagRecords, lagRecordsMax, uncommitted: activeRecords, size: partitions } = this.#partitions;
    const deadLetters = { requests: 0, failures: 0, ...this.#deadLetters?.counts };
    const pendingRecords = this.#delivery?.records.length ?? 0;
    const gauges = {
      lagRecords,
      lagRecordsMax,
      lagBytes: 0,
      awaitingBoundary: 0,
      activeRecords,
      pendingRecords,
      source: undefined,
      own: {},
      partitions,
      deadLetters,
      clients: this.parts.clients.metrics(),
    };
    return this.#counters.snapshot(gauges, this.parts.clock.monotonicMs());
  }

  async #start(): Promise<void> {
    const { id, policy, clients, converters, chain, clock, random, logger } = this.parts;
    const signal = this.#life.ending;
    this.#deadLetters = await clients.deadLetters(this.#connectivity, signal);
    const reporters: FailureReporter<ConsumedRecord>[] = [];
    if (policy.log) reporters.push(new LogReporter(id, logger, policy.logMessages ? describeConsumed : undefined));
    if (this.#deadLetters) reporters.push(this.#deadLetters);
    const counters = this.#counters;
    this.#errors = new RecordErrors({
      id,
      policy,
      describe: describeConsumed,
      reporters,
      counters,
      clock,
      random,
      logger,
      stopping: signal,
    });
    const reportsErrant = reporters.length > 0;
    this.#decoder = new SinkRecordDecoder(converters, chain, this.#errors, reportsErrant, signal);
    const task = await this.parts.plugin.task();
    if (this.#life.isEnding) return; // another run may have begun, and the clients may be closed
    this.#task = task;
    this.#consumer = clients.consumer(this.parts.topics, this.#rebalance, this.#connectivity);
    this.#commits = new SinkCommits({
      task,
      consumer: this.#consumer,
      partitions: this.#partitions,
      reported: async () => {
        // Not only the queue: a report that waits for room in it, or for a converter, is not in it yet.
        await Promise.all(this.#reports);
        await this.#deadLetters?.settled();
      },
      rewind: (offsets) => this.#moveTo(offsets),
      waiting: (reason) => this.#status.waiting("commit", reason),
      intervalMs: this.parts.commitIntervalMs,
      timeoutMs: this.parts.commitTimeoutMs,
      counters,
      clock,
      logger,
    });
    await task.start(this.#context(reportsErrant), this.parts.props);
    this.#status.set("RUNNING");
  }

  async #loop(): Promise<void> {
    const { clock } = this.parts;
    const signal = this.#life.ending;
    const consumer = this.#consumer!;
    this.#commits.schedule();
    while (!signal.aborted) {
      this.#showTargetState();
      if (this.#commits.due && (await this.#commits.returned(signal))) await this.#commits.begin();
      this.#applySeeks();
      this.#applyPauses();
      const fetched = await consumer.poll(this.#pollWaitMs(), signal);
      if (signal.aborted) break; // these records are not put, so no commit covers them
      await this.#take(fetched);
      const delivery = this.#delivery;
      const isDue = delivery && delivery.dueMs <= clock.monotonicMs();
      if (isDue && (await this.#commits.returned(signal))) await this.#deliver(delivery);
      await clock.turn();
    }
  }

  #pollWaitMs(): number {
    const nowMs = this.parts.clock.monotonicMs();
    const untilMs = Math.min(this.#delivery?.dueMs ?? Number.POSITIVE_INFINITY, this.#commits.nextMs);
    return Math.min(POLL_WAIT_MS, Math.max(0, untilMs - nowMs));
  }

  /** Converts fetched records into the next delivery. It may be empty: `put([])` lets the task check the time. */
  async #take(fetched: readonly FetchedRecords[]): Promise<void> {
    // While a batch waits to be put again all partitions are paused, so that no newer record overtakes it. (I9)
    if (this.#delivery && fetched.length === 0) return;
    const records: SinkRecord[] = this.#delivery ? [...this.#delivery.records] : [];
    const positions = this.#delivery ? [...this.#delivery.positions] : [];
    let read = 0;
    for (const chunk of fetched) {
      this.#noteTopic(chunk.topic);
      this.#partitions.noteEnd(chunk, chunk.end);
      await this.#decoder.decode(chunk, records);
      read += chunk.records.length;
      positions.push({ topic: chunk.topic, partition: chunk.partition, offset: chunk.nextOffset });
    }
    if (read > 0) this.#counters.batch(read, this.parts.clock.monotonicMs());
    const { attempts = 0, dueMs = 0 } = this.#delivery ?? {};
    this.#delivery = { records, positions, attempts, dueMs };
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { clock, logger } = this.parts;
    const startedMs = clock.monotonicMs();
    this.#retryAfterMs = undefined;
    try {
      await this.#task!.put(delivery.records);
    } catch (error) {
      if (!isRetriable(error)) throw error;
      delivery.attempts++;
      const retryMs = this.#retryAfterMs ?? this.#retryBackoff.nextMs();
      delivery.dueMs = clock.monotonicMs() + retryMs;
      if (delivery.attempts === 1) {
        const fields = { records: delivery.records.length, retryMs: Math.round(retryMs) };
        logger.warn(`put is tried again with the same batch: ${errorMessage(error)}`, fields);
      }
      this.#status.waiting("retry", `put is tried again with the same batch: ${errorMessage(error)}`);
      return;
    } finally {
      const endedMs = clock.monotonicMs();
      this.#counters.taskTimeMs += endedMs - startedMs;
      if (delivery.records.length > 0) this.#counters.called(endedMs - startedMs, endedMs);
    }
    const fatal = this.#fatalReport && (await this.#fatalReport);
    if (fatal) throw fatal;
    if (delivery.attempts > 0) {
      this.#retryBackoff.reset();
      this.#status.waiting("retry", undefined);
    }
    this.#counters.recordsWritten += delivery.records.length;
    for (const position of delivery.positions) this.#partitions.moveTo(position, position.offset);
    this.#counters.active(this.#partitions.uncommitted, clock.monotonicMs());
    this.#delivery = undefined;
  }

  #noteTopic(topic: string): void {
    if (this.#usedTopics.has(topic)) return;
    this.#usedTopics.add(topic);
    this.parts.events.topicUsed(topic);
  }

  #showTargetState(): void {
    const state = this.#life.isPaused ? "PAUSED" : "RUNNING";
    if (state === this.#status.state) return;
    if (state === "PAUSED") this.#commits.request();
    this.#status.set(state);
  }

  /** Pauses all partitions while the connector is paused or a batch waits for its retry, else those the task paused. */
  #applyPauses(): void {
    const consumer = this.#consumer!;
    const all = this.#life.isPaused || this.#delivery !== undefined;
    const pause: TopicPartition[] = [];
    const resume: TopicPartition[] = [];
    for (const partition of this.#partitions.all())
      (all || this.#partitions.isPausedByTask(partition) ? pause : resume).push(partition);
    const paused = consumer.paused.length;
    if (pause.length > 0) consumer.pause(pause);
    if (resume.length > 0 && paused > 0) consumer.resume(resume);
  }

  #applySeeks(): void {
    const seeks = this.#seeks.splice(0).filter((offset) => this.#partitions.isOpen(offset));
    if (seeks.length > 0) this.#moveTo(seeks);
  }

  /** Moves reading to these offsets and drops waiting records of these partitions, which come from before the move. */
  #moveTo(offsets: readonly TopicPartitionOffset[]): void {
    for (const offset of offsets) {
      this.#consumer!.seek(offset, offset.offset);
      this.#partitions.moveTo(offset, offset.offset);
    }
    this.#dropFromDelivery(offsets);
  }

  #dropFromDelivery(partitions: readonly TopicPartition[]): void {
    const delivery = this.#delivery;
    if (!delivery) return;
    const gone = (topic: string, partition: number) =>
      partitions.some((candidate) => candidate.topic === topic && candidate.partition === partition);
    const records = delivery.records.filter((record) => !gone(record.originalTopic, record.originalPartition));
    const positions = delivery.positions.filter(({ topic, partition }) => !gone(topic, partition));
    this.#delivery = positions.length > 0 ? { ...delivery, records, positions } : undefined;
    if (!this.#delivery && delivery.attempts > 0) this.#status.waiting("retry", undefined);
  }

  readonly #rebalance: RebalanceListener = {
    onRevoked: (partitions) => this.#close(partitions, true),
    onLost: (partitions) => this.#close(partitions, false),
    onAssigned: async (positions) => {
      if (!(await this.#commits.returned(this.#life.ending))) return; // the run ends, and nothing is read any more
      this.#partitions.open(positions);
      if (positions.length > 0) await this.#task!.open(positions.map(({ topic, partition }) => ({ topic, partition })));
      // Now, because the poll in progress may already read.
      this.#applySeeks();
      this.#applyPauses();
    },
  };

  /** Closes partitions, with a last preCommit and commit if they are still ours. */
  async #close(partitions: readonly TopicPartition[], ours: boolean): Promise<void> {
    const open = partitions.filter((partition) => this.#partitions.isOpen(partition));
    if (open.length === 0) return;
    const commit = ours ? await this.#commits.prepareLast(open) : [];
    await this.#task!.close(open);
    if (commit.length > 0) await this.#commits.commitLast(commit);
    this.#partitions.close(open);
    this.#dropFromDelivery(open);
  }

  async #release(): Promise<void> {
    const unlessAbandoned = async (release: () => Promise<unknown> | undefined) => {
      if (!this.#life.isAbandoned) await this.#orWarn(release);
    };
    await unlessAbandoned(async () => this.#consumer && this.#close(this.#partitions.all(), true));
    // Also a task that is cancelled during its last commit: it may hold files and connections.
    const stopTask = async () => (!this.#life.isAbandoned || this.#cancelled) && this.#stopTask();
    const isLate = this.#commits?.late !== undefined; // then the group does not wait for it
    if (!isLate) await stopTask();
    await unlessAbandoned(() => this.#consumer?.close());
    await unlessAbandoned(() => this.#deadLetters?.close(0));
    await unlessAbandoned(() => this.parts.clients.close());
    if (isLate) await stopTask();
  }

  async #stopTask(): Promise<void> {
    await this.#commits?.late;
    await this.#orWarn(async () => this.#task?.stop());
    await this.#orWarn(async () => this.parts.chain?.close());
  }

  async #orWarn(end: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await end();
    } catch (cause) {
      this.parts.logger.warn("The task did not end cleanly", {}, cause);
    }
  }

  #context(reportsErrant: boolean): SinkTaskContext {
    const { id, clock, random, pluginLogger, plugins } = this.parts;
    return {
      connectorName: id.connector,
      taskId: id.task,
      clock,
      random,
      logger: pluginLogger,
      stopping: this.#life.ending,
      waitingFor: (reason) => this.#status.waiting("task", reason ?? undefined),
      converter: (className, props, isKey) => converterFor(plugins, className, props, isKey),
      assignment: () => this.#partitions.all(),
      seek: (offsets) => {
        this.#partitions.requireOpen(offsets);
        this.#seeks.push(...offsets);
      },
      pause: (partitions) => this.#partitions.pauseByTask(partitions),
      resume: (partitions) => this.#partitions.resumeByTask(partitions),
      requestCommit: () => this.#commits.request(),
      commitTimeoutMs: this.parts.commitTimeoutMs,
      retryAfter: (delayMs) => {
        this.#retryAfterMs = delayMs;
      },
      reportErrant: reportsErrant ? (record, error) => this.#reportErrant(record, error) : undefined,
    };
  }

  #reportErrant(record: SinkRecord, error: Error): Promise<void> {
    const className = "org.apache.kafka.connect.sink.SinkTask";
    const report = async () => this.#errors.reportErrant(await this.#decoder.originalOf(record), className, error);
    const written = report();
    this.#reports.add(written);
    // An unwritten report fails the task even if the task does not await it. It stays among the reports, so that no
    // commit passes it.
    written.then(
      () => this.#reports.delete(written),
      (cause) => this.#life.fail(cause),
    );
    if (this.parts.policy.tolerance === "none") {
      this.#fatalReport ??= written;
      const { originalTopic: topic, originalPartition: partition, originalOffset: offset } = record;
      this.#partitions.hold({ topic, partition, offset });
    }
    const outcome = written.then((fatal) => {
      if (fatal) throw fatal;
    });
    outcome.catch(() => {}); // the task fails even if it does not await it
    return outcome;
  }
}
