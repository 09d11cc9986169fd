import {
  type Clock,
  DataError,
  errorKind,
  NotFoundError,
  type Props,
  parseConfig,
  type RecordHeader,
} from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { textOf, traceOf } from "../../base/trace/error-trace.js";
import { DEAD_LETTER_KEYS } from "../../contract/connector-keys.js";
import type { TaskId } from "../../contract/task-id.js";
import type { ConsumerRecord } from "../../kafka/client/consumer.js";
import type { KafkaAdmin } from "../../kafka/client/kafka-admin.js";
import type { Producer, ProducerListener, ProducerRecord } from "../../kafka/client/producer.js";
import type { FailedRecord, FailureReporter } from "../task/record-errors.js";

/** A record as read, before any conversion. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: ConsumerRecord;
}

export interface DeadLetterSettings {
  readonly topic: string;
  readonly replicationFactor: number;
  readonly contextHeaders: boolean;
}

/** The `errors.deadletterqueue.*` keys of a sink; undefined if it has no dead letter queue. @throws ConfigError */
export function parseDeadLetterSettings(props: Props): DeadLetterSettings | undefined {
  const values = parseConfig(DEAD_LETTER_KEYS, props);
  const topic = values["errors.deadletterqueue.topic.name"];
  if (topic === "") return undefined;
  return {
    topic,
    replicationFactor: values["errors.deadletterqueue.topic.replication.factor"],
    contextHeaders: values["errors.deadletterqueue.context.headers.enable"],
  };
}

/**
 * Makes sure that the dead letter topic exists; creates it with one partition (KIP-298).
 *
 * @throws NotFoundError TOPIC_NOT_CREATED.
 */
export async function ensureDeadLetterTopic(
  admin: KafkaAdmin,
  settings: DeadLetterSettings,
  signal: AbortSignal,
): Promise<void> {
  const { topic: name, replicationFactor } = settings;
  const { missing } = await admin.describeTopics([name], signal);
  if (missing.length === 0) return;
  const [result] = await admin.createTopics([{ name, partitions: 1, replicationFactor }], signal);
  if (result?.error && result.error.codeName !== "TOPIC_ALREADY_EXISTS") {
    throw new NotFoundError(
      "TOPIC_NOT_CREATED",
      `Could not initialize dead letter queue with topic=${name}: errors.deadletterqueue.topic.replication.factor=${replicationFactor}`,
      { cause: result.error },
    );
  }
}

/** Stands for the record while the producer holds it; `written` only if a caller awaits this record. */
interface Ticket {
  readonly written: Deferred<void> | undefined;
}

/**
 * The dead letter queue of one sink task: bad records as read, with headers about the failure. A record is safe once
 * `settled` resolves. The task awaits that before every commit, so that a bad record's offset is never committed before
 * its report is written (I8).
 */
export class DeadLetterQueue implements FailureReporter<ConsumedRecord> {
  readonly #producer: Producer<Ticket>;
  /** Records taken, and those that could not be written. */
  readonly counts = { requests: 0, failures: 0 };
  #outstanding = 0;
  #failure: Error | undefined;
  #idle = deferred();

  /** @param makeProducer creates the queue's own producer with the listener for its acknowledgements. */
  constructor(
    private readonly id: TaskId,
    private readonly settings: DeadLetterSettings,
    private readonly clock: Clock,
    makeProducer: (listener: ProducerListener<Ticket>) => Producer<Ticket>,
  ) {
    this.#producer = makeProducer({
      acknowledged: (ticket, count) => {
        ticket.written?.resolve();
        this.#settle(count);
      },
      failed: (ticket, count, cause) => {
        const failure = new DataError(
          "DEAD_LETTER_FAILED",
          `Could not produce message to dead letter queue. topic=${settings.topic}`,
          { cause },
        );
        this.#failure ??= failure;
        ticket.written?.reject(failure);
        this.counts.failures += count;
        this.#settle(count);
      },
    });
  }

  /**
   * Takes a record; waits while the producer's buffer is full.
   *
   * @throws DataError DEAD_LETTER_FAILED with `untilWritten`
   */
  async report(failed: FailedRecord<ConsumedRecord>, untilWritten: boolean): Promise<void> {
    if (this.#producer.full) await this.#producer.drained();
    const written = untilWritten ? deferred() : undefined;
    this.#append(failed, written);
    await written?.promise;
  }

  /** Resolves once all records taken so far are written. @throws DataError DEAD_LETTER_FAILED after any failed */
  async settled(): Promise<void> {
    while (this.#outstanding > 0 && !this.#failure) await this.#idle.promise;
    if (this.#failure) throw this.#failure;
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#producer.close(timeoutMs);
  }

  #append(failed: FailedRecord<ConsumedRecord>, written: Deferred<void> | undefined): void {
    const { record } = failed.record;
    this.#outstanding++;
    this.counts.requests++;
    this.#producer.append(
      {
        topic: this.settings.topic,
        partition: null,
        key: record.key,
        value: record.value,
        timestampMs: record.timestampMs >= 0 ? record.timestampMs : this.clock.nowMs(),
        headers: this.settings.contextHeaders
          ? [...record.headers, ...contextHeaders(this.id, failed)]
          : record.headers,
      } satisfies ProducerRecord,
      { written },
    );
  }

  #settle(count: number): void {
    this.#outstanding -= count;
    if (this.#outstanding > 0 && !this.#failure) return;
    const idle = this.#idle;
    this.#idle = deferred();
    idle.resolve();
  }
}

// Readers of these headers expect Java's names.
const JAVA_NAMES = {
  data: "org.apache.kafka.connect.errors.DataException",
  retriable: "org.apache.kafka.connect.errors.RetriableException",
  config: "org.apache.kafka.common.config.ConfigException",
  "not-found": "org.apache.kafka.connect.errors.NotFoundException",
  conflict: "org.apache.kafka.connect.errors.AlreadyExistsException",
  unsupported: "org.apache.kafka.connect.errors.ConnectException",
} as const;

function contextHeaders(id: TaskId, { record, stage, className, error }: FailedRecord<ConsumedRecord>): RecordHeader[] {
  const kind = errorKind(error);
  const message = error instanceof Error ? error.message : textOf(error);
  const entries: readonly (readonly [string, string])[] = [
    ["topic", record.topic],
    ["partition", String(record.partition)],
    ["offset", String(record.record.offset)],
    ["connector.name", id.connector],
    ["task.id", String(id.task)],
    ["stage", stage],
    ["class.name", className],
    ["exception.class.name", kind ? JAVA_NAMES[kind] : error instanceof Error ? error.name : "Error"],
    ["exception.message", message],
    ["exception.stacktrace", traceOf(error)],
  ];
  return entries.map(([name, value]) => ({ key: `__connect.errors.${name}`, value: Buffer.from(value) }));
}
