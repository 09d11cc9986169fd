import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import { KafkaError } from "../protocol/kafka-error.js";
import type { BrokerProperties } from "./broker-properties.js";
import { adoptCleaned } from "./log/cleaning/adopt-cleaned.js";
import { describeCleaning } from "./log/cleaning/cleaning-job.js";
import type { CleaningWorker } from "./log/cleaning/cleaning-worker.js";
import { type CleaningPlan, planCleaning } from "./log/cleaning/plan-cleaning.js";
import type { PartitionLog } from "./log/partition-log.js";
import type { OffsetCheckpoint } from "./offset-checkpoint.js";
import type { TopicRegistry } from "./topics/topic-registry.js";

interface Candidate {
  readonly topic: string;
  readonly partition: number;
  readonly log: PartitionLog;
  readonly plan: CleaningPlan;
}

export interface LogCleanerOptions {
  readonly topics: TopicRegistry;
  readonly checkpoint: OffsetCheckpoint;
  readonly properties: BrokerProperties;
  readonly worker: CleaningWorker;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Cleans compacted logs, one at a time, the dirtiest first. The checkpoint holds the offset up to which each is clean.
 *
 * A log that cannot be cleaned does not stop the others. If its content cannot be read it is skipped until the next
 * start, as in Kafka; if the disk failed, until the next run.
 */
export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #uncleanable = new WeakSet<PartitionLog>();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LogCleanerOptions) {
    this.#options = options;
  }

  /** Cleans until no log is dirty enough. Called by the broker's maintenance. */
  run(): Promise<void> {
    if (this.#stopped || !this.#options.properties.flag("log.cleaner.enable")) return Promise.resolve();
    this.#running = this.#run();
    return this.#running;
  }

  /**
   * Ends the running cleaning; the next start of the broker cleans the rest. Resolves once nothing is written any more:
   * what a log is about to adopt, it adopts, unless it is closed.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#options.worker.end();
    // The run reports its own failure.
    await this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const passed = new Set<PartitionLog>();
    try {
      for (let next = this.#dirtiest(passed); next && !this.#stopped; next = this.#dirtiest(passed)) {
        const progressed = await this.#tryToClean(next);
        if (!progressed) passed.add(next.log);
      }
    } finally {
      await this.#options.worker.end();
    }
  }

  /** @param passed logs to skip in this run: they failed, or made no progress. */
  #dirtiest(passed: ReadonlySet<PartitionLog>): Candidate | undefined {
    let best: Candidate | undefined;
    for (const { name, logs } of this.#options.topics.all()) {
      for (const [partition, log] of logs.entries()) {
        if (passed.has(log) || this.#uncleanable.has(log)) continue;
        if (log.offline || log.isReserved) continue;
        const plan = this.#planFor(log, name, partition);
        if (plan && (!best || plan.dirtyRatio > best.plan.dirtyRatio)) best = { topic: name, partition, log, plan };
      }
    }
    return best;
  }

  #planFor(log: PartitionLog, topic: string, partition: number): CleaningPlan | undefined {
    const { segments } = log;
    // A segment without index files may not be on disk yet.
    if (segments.slice(0, -1).some(({ sealed }) => !sealed)) return undefined;
    const described = segments.map(({ baseOffset, nextOffset, size, maxTimestamp }) => {
      return { baseOffset, nextOffset, size, timestampMs: maxTimestamp };
    });
    const { checkpoint, clock } = this.#options;
    const cleanedUpTo = checkpoint.get(topic, partition);
    return planCleaning(described, log.config, cleanedUpTo, log.lastStableOffset, clock.nowMs());
  }

  /** Returns whether the log got cleaner. */
  async #tryToClean(candidate: Candidate): Promise<boolean> {
    const { topic, partition, log } = candidate;
    const { logger } = this.#options;
    log.isReserved = true;
    try {
      return await this.#clean(candidate);
    } catch (cause) {
      if (this.#stopped || log.isClosed) return false;
      if (isDiskFault(cause)) {
        logger.error("Compacting a log failed and will be tried again", { topic, partition }, cause);
      } else {
        this.#uncleanable.add(log);
        logger.warn("A log cannot be compacted; it is skipped until the next start", { topic, partition }, cause);
      }
      return false;
    } finally {
      log.isReserved = false;
    }
  }

  async #clean({ topic, partition, log, plan }: Candidate): Promise<boolean> {
    const { checkpoint, properties, worker, clock, logger } = this.#options;
    const bytesBefore = log.sizeBytes;
    const dedupeBufferBytes = properties.number("log.cleaner.dedupe.buffer.size");
    const job = describeCleaning(log, plan, { nowMs: clock.nowMs(), dedupeBufferBytes });
    const endOffset = await worker.clean(job, (group) => adoptCleaned(log, group));
    if (endOffset === undefined || endOffset <= plan.firstDirtyOffset || log.isClosed) return false;
    await checkpoint.raise(topic, partition, endOffset);
    logger.info("Compacted a log", { topic, partition, endOffset, bytesBefore, bytesAfter: log.sizeBytes });
    return true;
  }
}

/** Whether the disk failed, which may recover, and not the log's content, which would fail again. */
function isDiskFault(cause: unknown): boolean {
  return KafkaError.is(cause, "KAFKA_STORAGE_ERROR") || typeof (cause as NodeJS.ErrnoException).syscall === "string";
}
