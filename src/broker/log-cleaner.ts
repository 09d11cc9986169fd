import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import { KafkaError } from "../protocol/kafka-error.js";
import type { BrokerProperties } from "./broker-properties.js";
import { cleanLog } from "./log/cleaning/clean-log.js";
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

/**
 * Cleans compacted logs, one at a time, the dirtiest first. The checkpoint holds the offset up to which each is clean.
 *
 * A log that cannot be cleaned does not stop the others. If its content cannot be read it is skipped until the next
 * start, as in Kafka; if the disk failed, until the next run.
 */
export class LogCleaner {
  readonly #uncleanable = new WeakSet<PartitionLog>();
  #stopped = false;

  constructor(
    private readonly topics: TopicRegistry,
    private readonly checkpoint: OffsetCheckpoint,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Cleans until no log is dirty enough. Called by the broker's maintenance. */
  async run(): Promise<void> {
    if (!this.properties.flag("log.cleaner.enable")) return;
    const passed = new Set<PartitionLog>();
    for (let next = this.#dirtiest(passed); next && !this.#stopped; next = this.#dirtiest(passed)) {
      const progressed = await this.#tryToClean(next);
      if (!progressed) passed.add(next.log);
    }
  }

  /** Ends the running cleaning at its next step; the next start of the broker cleans the rest. */
  stop(): void {
    this.#stopped = true;
  }

  /** @param passed logs to skip in this run: they failed, or made no progress. */
  #dirtiest(passed: ReadonlySet<PartitionLog>): Candidate | undefined {
    let best: Candidate | undefined;
    for (const { name, logs } of this.topics.all()) {
      for (const [partition, log] of logs.entries()) {
        if (passed.has(log) || this.#uncleanable.has(log)) continue;
        if (log.offline) continue;
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
    const cleanedUpTo = this.checkpoint.get(topic, partition);
    return planCleaning(described, log.config, cleanedUpTo, log.lastStableOffset, this.clock.nowMs());
  }

  /** Returns whether the log got cleaner. */
  async #tryToClean(candidate: Candidate): Promise<boolean> {
    const { topic, partition, log } = candidate;
    try {
      return await this.#clean(candidate);
    } catch (cause) {
      if (this.#stopped || log.isClosed) return false;
      if (isDiskFault(cause)) {
        this.logger.error("Compacting a log failed and will be tried again", { topic, partition }, cause);
      } else {
        this.#uncleanable.add(log);
        this.logger.warn("A log cannot be compacted; it is skipped until the next start", { topic, partition }, cause);
      }
      return false;
    }
  }

  async #clean({ topic, partition, log, plan }: Candidate): Promise<boolean> {
    const bytesBefore = log.sizeBytes;
    const nowMs = this.clock.nowMs();
    const dedupeBufferBytes = this.properties.number("log.cleaner.dedupe.buffer.size");
    const cleaning = cleanLog(log, plan, { nowMs, dedupeBufferBytes });
    try {
      for (;;) {
        const step = cleaning.next();
        if (!step.done) {
          const { fdToSync } = step.value;
          if (this.#stopped) cleaning.return(undefined);
          else if (fdToSync === undefined) await this.clock.delay(0);
          else await log.files.disk.syncLater(fdToSync);
          continue;
        }
        const endOffset = step.value;
        if (endOffset === undefined || endOffset <= plan.firstDirtyOffset) return false;
        this.checkpoint.set(topic, partition, endOffset);
        this.logger.info("Compacted a log", { topic, partition, endOffset, bytesBefore, bytesAfter: log.sizeBytes });
        return true;
      }
    } finally {
      // After a failed sync the generator still holds its file open and the log marked as being cleaned.
      cleaning.return(undefined);
    }
  }
}

/** Whether the disk failed, which may recover, and not the log's content, which would fail again. */
function isDiskFault(cause: unknown): boolean {
  return KafkaError.is(cause, "KAFKA_STORAGE_ERROR") || typeof (cause as NodeJS.ErrnoException).syscall === "string";
}
