import { fsync } from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { BrokerProperties } from "./broker-properties.js";
import { cleanLog } from "./log/clean-log.js";
import type { PartitionLog } from "./log/partition-log.js";
import { type CleaningPlan, planCleaning } from "./log/plan-cleaning.js";
import type { OffsetCheckpoint } from "./offset-checkpoint.js";
import type { TopicRegistry } from "./topics/topic-registry.js";

const sync = promisify(fsync);

interface Candidate {
  readonly topic: string;
  readonly partition: number;
  readonly log: PartitionLog;
  readonly plan: CleaningPlan;
}

/** Cleans compacted logs, one at a time, the dirtiest first. Its checkpoint says how far each is clean. */
export class LogCleaner {
  #stopped = false;

  constructor(
    private readonly topics: TopicRegistry,
    private readonly checkpoint: OffsetCheckpoint,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Cleans until nothing is worth it. Called by the broker's maintenance. */
  async run(): Promise<void> {
    if (!this.properties.flag("log.cleaner.enable")) return;
    for (let next = this.#dirtiest(); next && !this.#stopped; next = this.#dirtiest()) {
      const progressed = await this.#clean(next);
      if (!progressed) return;
    }
  }

  /** Ends a cleaning at its next step; what it has not finished is done again another time. */
  stop(): void {
    this.#stopped = true;
  }

  #dirtiest(): Candidate | undefined {
    let best: Candidate | undefined;
    for (const { name, logs } of this.topics.all()) {
      for (const [partition, log] of logs.entries()) {
        const plan = this.#planFor(log, name, partition);
        if (plan && (!best || plan.dirtyRatio > best.plan.dirtyRatio)) best = { topic: name, partition, log, plan };
      }
    }
    return best;
  }

  #planFor(log: PartitionLog, topic: string, partition: number): CleaningPlan | undefined {
    const { segments } = log;
    // One that was just sealed is still being forced to disk.
    if (segments.slice(0, -1).some(({ sealed }) => !sealed)) return undefined;
    const described = segments.map(({ baseOffset, nextOffset, size, maxTimestamp }) => {
      return { baseOffset, nextOffset, size, timestampMs: maxTimestamp };
    });
    return planCleaning(described, log.config, this.checkpoint.get(topic, partition), this.clock.nowMs());
  }

  async #clean({ topic, partition, log, plan }: Candidate): Promise<boolean> {
    const bytesBefore = log.sizeBytes;
    const nowMs = this.clock.nowMs();
    const dedupeBufferBytes = this.properties.number("log.cleaner.dedupe.buffer.size");
    const cleaning = cleanLog(log, plan, { nowMs, dedupeBufferBytes });
    for (;;) {
      const step = cleaning.next();
      if (!step.done) {
        const { fdToSync } = step.value;
        if (this.#stopped) cleaning.return(undefined);
        else if (fdToSync === undefined) await this.clock.delay(0);
        else await sync(fdToSync);
        continue;
      }
      const endOffset = step.value;
      if (endOffset === undefined || endOffset <= plan.firstDirtyOffset) return false;
      this.checkpoint.set(topic, partition, endOffset);
      this.logger.info("compacted a log", { topic, partition, endOffset, bytesBefore, bytesAfter: log.sizeBytes });
      return true;
    }
  }
}
