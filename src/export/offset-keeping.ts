import type { TopicPartition, TopicPartitionOffset } from "../kafka/client/topic-partition.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { type Finding, isOutage, note, reasonOf } from "./finding.js";
import type { CopyContext } from "./record-copy.js";

const PROGRESS_EVERY_MS = 10_000;
/** How many records are appended between two looks at the clock. */
const STRIDE = 100_000;

/** An empty partition at the target, and the offset at which its records begin at the source. */
export interface Beginning extends TopicPartition {
  readonly target: number;
  readonly source: number;
}

/**
 * Has empty partitions at the target begin at the offsets of the source: with as many empty records as the source has
 * deleted, which are deleted, too. Nobody reads them: the topic is this export's own.
 *
 * @returns what stands in the way; then nothing has been written.
 * @throws KafkaError when it fails in the middle: the topic then holds empty records.
 */
export async function keepOffsets(beginnings: readonly Beginning[], context: CopyContext): Promise<Finding[]> {
  const later = beginnings.filter(({ source, target }) => source > target);
  if (later.length === 0) return [];
  const { admin } = context.to;
  try {
    // Deletes nothing, and shows whether it may.
    await admin.deleteRecords(
      later.map(({ topic, partition, target }) => ({ topic, partition, offset: target })),
      context.signal,
    );
  } catch (error) {
    if (context.signal.aborted || isOutage(error) || !(error instanceof KafkaError)) throw error;
    const text = `its offsets are not kept, since the target does not delete records: ${reasonOf(error)}`;
    return [note(`topic ${later[0]!.topic}`, text, "nothing: offsets of groups are translated")];
  }
  for (const each of later) await fill(each, context);
  const offsets: TopicPartitionOffset[] = later.map(({ topic, partition, source }) => ({
    topic,
    partition,
    offset: source,
  }));
  await admin.deleteRecords(offsets, context.signal);
  return [];
}

/** Writes empty records into a partition, up to an offset. */
async function fill({ topic, partition, source, target }: Beginning, context: CopyContext): Promise<void> {
  const { to, clock, logger, signal } = context;
  // An abort before the listener below would go unheard, and there may be billions of records to write.
  signal.throwIfAborted();
  let failure: unknown;
  const properties = { acks: "all", "compression.type": "gzip", "compression.gzip.level": "1" };
  const producer = to.producer<undefined>(
    { properties, isIdempotent: true },
    {
      acknowledged() {},
      failed(_token, _count, error) {
        failure ??= error;
      },
    },
  );
  const abort = () => void producer.close(0);
  signal.addEventListener("abort", abort, { once: true });
  try {
    // Without a timestamp they are in nobody's way who looks for one.
    const record = { topic, partition, key: null, value: null, timestampMs: -1, headers: [] };
    let toldAtMs = clock.monotonicMs();
    for (let offset = target; offset < source && failure === undefined; offset++) {
      producer.append(record, undefined);
      if (producer.full) await producer.drained();
      if (offset % STRIDE !== 0 || clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS) continue;
      toldAtMs = clock.monotonicMs();
      logger.info("Filling up a partition, so that it begins at the source's offset", {
        topic,
        partition,
        offsetsLeft: source - offset,
      });
    }
    await producer.flush();
  } finally {
    signal.removeEventListener("abort", abort);
    await producer.close(0);
  }
  if (signal.aborted) throw signal.reason;
  if (failure !== undefined) throw failure;
}
