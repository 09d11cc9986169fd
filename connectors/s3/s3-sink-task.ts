import {
  errorKind,
  type Logger,
  type Props,
  parseConfig,
  RetriableError,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
  type TopicPartitionOffset,
  UnsupportedError,
} from "../../src/api/index.js";
import { requireSettings } from "./config/config-validation.js";
import { S3_SINK_CONFIG, type S3SinkValues } from "./config/s3-sink-config.js";
import { isTimeBased, partitionerKind } from "./config/setting-checks.js";
import { ConditionalWrites, type OnExisting } from "./object/conditional-writes.js";
import { type ObjectTagSettings, ObjectTags } from "./object/object-tags.js";
import { OpenFiles } from "./object/open-files.js";
import type { SpillFile } from "./object/spill-file.js";
import { SpillLog } from "./object/spill-log.js";
import { PartitionWriter, type WriterSettings } from "./partition/partition-writer.js";
import { LATE, LateError, Patience } from "./partition/patience.js";
import { planWriter } from "./partition/plan-writer.js";
import type { ObjectStoreClient } from "./store/object-store-client.js";
import { StoreCalls } from "./store/store-calls.js";
import { storeError } from "./store/store-failure.js";
import { type StoreSettings, storePlace, storeSettings } from "./store/store-settings.js";
import { planStreams } from "./streams.js";

/** Concurrent requests, over all topic partitions of a task. */
const CONCURRENT_REQUESTS = 8;
const HEAD_TIMEOUT_MS = 5000;
/** Long enough for the worker to commit and to rebalance. */
const LATE_RETRY_MS = 100;
const NO_RECORDS: readonly SinkRecord[] = [];

interface Running {
  readonly context: SinkTaskContext;
  readonly client: ObjectStoreClient;
  readonly conditional: ConditionalWrites;
  readonly files: OpenFiles;
  readonly writer: WriterSettings;
  readonly retryBackoffMs: number;
}

/**
 * Writes topic partitions as objects, each by its own PartitionWriter. Finished files are uploaded while the next
 * batches are written; a partition waits for its own upload only when its next files are finished.
 */
export class S3SinkTask implements SinkTask {
  #running: Running | undefined;
  /** By topic, then partition. */
  readonly #writers = new Map<string, Map<number, PartitionWriter>>();
  /** The last `put` failed, so the worker delivers its batch again. */
  #handedAgain = false;

  /** Tests replace both: the store's client, and the files for bytes that exceed the memory bound. */
  constructor(
    private readonly createClient: (settings: StoreSettings, logger: Logger) => ObjectStoreClient,
    private readonly createSpillFile: () => SpillFile = inOneLog(),
  ) {}

  /** Fails when the bucket is missing. If the store does not answer, the first batch waits for it. */
  async start(context: SinkTaskContext, props: Props): Promise<void> {
    const values = parseConfig(S3_SINK_CONFIG, props);
    requireSettings(values);
    const settings = storeSettings(values);
    const calls = new StoreCalls(
      storePlace(settings),
      {
        attempts: Math.max(1, values["s3.part.retries"]),
        backoffMs: values["s3.retry.backoff.ms"],
        concurrency: CONCURRENT_REQUESTS,
      },
      context,
    );
    const client = this.createClient(settings, context.logger);
    // Half: the answer must still arrive in time.
    const patience = new Patience(context.clock, context.commitTimeoutMs / 2);
    const { logger, reportErrant } = context;
    const writer = { ...planWriter(values), patience, logger, reportErrant };
    const conditional = new ConditionalWrites(
      onExisting(values, writer),
      probeKey(values),
      client,
      calls,
      context.logger,
    );
    const files = new OpenFiles(
      {
        key: {
          topicsDir: values["topics.dir"],
          directoryDelimiter: values["directory.delim"],
          fileDelimiter: values["file.delim"],
          offsetWidth: values["filename.offset.zero.pad.width"],
        },
        upload: { partSize: values["s3.part.size"], conditional },
        streams: await planStreams(values, props, context),
        memoryBytes: values["s3.buffer.memory.bytes"],
        tags: values["s3.object.tagging"]
          ? new ObjectTags(tagSettings(values), client, calls, context.logger)
          : undefined,
      },
      client,
      calls,
      this.createSpillFile,
      context.logger,
    );
    this.#running = { context, client, conditional, files, writer, retryBackoffMs: values["retry.backoff.ms"] };
    warnAbout(values, context);
    if (await findBucket(client, calls, context)) await this.#probe();
  }

  async open(partitions: readonly TopicPartition[]): Promise<void> {
    const { context, files, writer } = this.#started();
    const nowMs = context.clock.nowMs();
    for (const topicPartition of partitions) {
      const { topic, partition } = topicPartition;
      const ofTopic = this.#writers.get(topic) ?? new Map<number, PartitionWriter>();
      this.#writers.set(topic, ofTopic);
      await ofTopic.get(partition)?.close();
      ofTopic.set(partition, new PartitionWriter(topicPartition, writer, files, nowMs));
    }
    await writer.patience.within(files.abortOrphans(partitions, nowMs));
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const { context, conditional, files, retryBackoffMs } = this.#started();
    await conditional.requireHonoured();
    const nowMs = context.clock.nowMs();
    const batches = this.#split(records);
    const writers = [...this.#eachWriter()];
    const handedAgain = this.#handedAgain;
    this.#handedAgain = true;
    const results = await Promise.allSettled(
      writers.map((writer) => writer.write(batches.get(writer) ?? NO_RECORDS, nowMs, handedAgain)),
    );
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (failures.length > 0) {
      const fatal = failures.find((error) => errorKind(error) !== "retriable");
      const isLate = failures.every((error) => error instanceof LateError);
      if (fatal === undefined) context.retryAfter(isLate ? Math.min(LATE_RETRY_MS, retryBackoffMs) : retryBackoffMs);
      throw fatal ?? failures[0];
    }
    await this.#boundMemory(files, writers);
    this.#handedAgain = false;
    // Only here, after the batch: a batch that is delivered again must not be mistaken for the rewound one.
    const rewinds = writers.flatMap((writer) => {
      const offset = writer.takeRewind();
      return offset === null ? [] : [{ ...writer.topicPartition, offset }];
    });
    if (rewinds.length > 0) {
      context.logger.warn(
        "An object already exists, or an unfinished upload is gone; reading again from the last finished offsets",
        {
          partitions: rewinds.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`).join(","),
        },
      );
      context.seek(rewinds);
    }
  }

  async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    // The next commit covers late uploads.
    await this.#quiesce(this.#eachWriter());
    return current.flatMap(({ topic, partition, offset }) => {
      const committable = this.#writers.get(topic)?.get(partition)?.committable(offset) ?? null;
      return committable === null ? [] : [{ topic, partition, offset: committable }];
    });
  }

  /** Abandons open files; the next owner of the partition reads their records again. */
  async close(partitions: readonly TopicPartition[]): Promise<void> {
    const closing = partitions.flatMap(({ topic, partition }) => {
      const writer = this.#writers.get(topic)?.get(partition);
      this.#writers.get(topic)?.delete(partition);
      return writer ? [writer] : [];
    });
    await Promise.all(closing.map((writer) => writer.close()));
  }

  async stop(): Promise<void> {
    const left = [...this.#eachWriter()];
    this.#writers.clear();
    try {
      await Promise.all(left.map((writer) => writer.close()));
    } finally {
      this.#running?.client.destroy();
    }
  }

  /** Memory of the open files, for measuring. */
  get memory(): { readonly heldBytes: number; readonly peakBytes: number } {
    return this.#started().files.memory;
  }

  /** A store that is unavailable meanwhile is asked again before the first batch. */
  async #probe(): Promise<void> {
    try {
      await this.#started().conditional.requireHonoured();
    } catch (error) {
      if (errorKind(error) !== "retriable") throw error;
    }
  }

  #started(): Running {
    if (this.#running) return this.#running;
    throw new UnsupportedError("S3_REQUEST_REFUSED", "The S3 sink task was used before it was started.");
  }

  async #boundMemory(files: OpenFiles, writers: readonly PartitionWriter[]): Promise<void> {
    await files.boundMemory();
    // A file that is being uploaded cannot move to disk, so the batches wait for it.
    if (files.isOverBound && (await this.#quiesce(writers)) === LATE)
      throw new RetriableError(
        "S3_UNAVAILABLE",
        "Files that are being uploaded hold more memory than s3.buffer.memory.bytes; the batches wait for the object store.",
      );
  }

  async #quiesce(writers: Iterable<PartitionWriter>): Promise<typeof LATE | unknown> {
    const { patience } = this.#started().writer;
    return patience.within(Promise.all(Array.from(writers, (writer) => writer.quiesce())));
  }

  *#eachWriter(): Generator<PartitionWriter> {
    for (const ofTopic of this.#writers.values()) yield* ofTopic.values();
  }

  /** The records of each writer, in order. They arrive in runs of one partition, so the last writer is tried first. */
  #split(records: readonly SinkRecord[]): Map<PartitionWriter, SinkRecord[]> {
    const batches = new Map<PartitionWriter, SinkRecord[]>();
    let batch: SinkRecord[] = [];
    let last: PartitionWriter | undefined;
    for (const record of records) {
      if (
        last === undefined ||
        last.topicPartition.partition !== record.originalPartition ||
        last.topicPartition.topic !== record.originalTopic ||
        record.topic !== record.originalTopic
      ) {
        last = this.#writerOf(record);
        batch = batches.get(last) ?? [];
        batches.set(last, batch);
      }
      batch.push(record);
    }
    return batches;
  }

  #writerOf(record: SinkRecord): PartitionWriter {
    const writer =
      record.topic === record.originalTopic
        ? this.#writers.get(record.originalTopic)?.get(record.originalPartition)
        : undefined;
    if (writer) return writer;
    throw new UnsupportedError(
      "S3_RECORD_REFUSED",
      `No writer found for topic partition ${record.topic}-${record.partition}: the record was read from ${record.originalTopic}-${record.originalPartition}. A transformation must not rename the topic of records for the S3 sink; use topics.dir, or rename at the source.`,
    );
  }
}

function inOneLog(): () => SpillFile {
  const log = new SpillLog();
  return () => log.open();
}

/** Whether the store answers. @throws when there is no such bucket. */
async function findBucket(client: ObjectStoreClient, calls: StoreCalls, context: SinkTaskContext): Promise<boolean> {
  const doing = "looking at the bucket";
  const failed = await calls.sendOnce({
    doing,
    timeoutMs: HEAD_TIMEOUT_MS,
    run: (signal) => client.headBucket(signal),
  });
  if (failed === undefined) return true;
  if (context.stopping.aborted) return false;
  const { failure, cause } = failed;
  // The bucket exists, though we may not read it; the first object shows whether we may write.
  if (failure.kind === "access-denied" || failure.kind === "refused" || failure.kind === "wrong-region") return true;
  if (failure.kind !== "transient") throw storeError(failure, calls.place, doing, cause);
  calls.noteWaiting(failure);
  return false;
}

function onExisting(values: S3SinkValues, { conditionalWrites }: { conditionalWrites: boolean }): OnExisting {
  if (conditionalWrites) return "keep";
  return values["enable.conditional.writes"] ? "compare" : "overwrite";
}

function tagSettings(values: S3SinkValues): ObjectTagSettings {
  return {
    pairs: values["s3.object.tagging.key.value.pairs"].map((pair) => {
      const colon = pair.indexOf(":");
      return { key: pair.slice(0, colon).trim(), value: pair.slice(colon + 1).trim() };
    }),
    isRequired: values["s3.object.behavior.on.tagging.error"].toLowerCase() === "fail",
  };
}

/** Readers of a lake skip folders whose names begin with an underscore. */
function probeKey(values: S3SinkValues): string {
  const folder = values["topics.dir"].trim() === "" ? "" : values["topics.dir"] + values["directory.delim"];
  return `${folder}_millrace${values["directory.delim"]}conditional-writes`;
}

function warnAbout(values: S3SinkValues, { logger }: SinkTaskContext): void {
  const kind = partitionerKind(values["partitioner.class"]);
  const timeBased = isTimeBased(kind);
  if (values["rotate.interval.ms"] > 0 && !timeBased)
    logger.warn("rotate.interval.ms is ignored: it needs a time-based partitioner.class", { partitioner: kind });
  if (timeBased && /^(.*\$)?Wallclock/.test(values["timestamp.extractor"]))
    logger.warn(
      "timestamp.extractor Wallclock puts records that are read again after a crash into other directories: they may be written twice. Record and RecordField do not.",
    );
  const byClock = values["rotate.schedule.interval.ms"] > 0 || values["rotate.idle.interval.ms"] > 0;
  if (byClock && !values["enable.conditional.writes"])
    logger.warn(
      "Without enable.conditional.writes a crash may duplicate records that rotation by schedule or idleness had written.",
    );
  if (byClock && (values["store.kafka.keys"] || values["store.kafka.headers"]))
    logger.warn(
      "With store.kafka.keys or store.kafka.headers a crash may duplicate records that rotation by schedule or idleness had written.",
    );
}
