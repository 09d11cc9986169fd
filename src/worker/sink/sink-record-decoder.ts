import { type Header, type RecordHeader, RecordHeaders, SinkRecord } from "../../api/index.js";
import type { ConsumerRecord, FetchedRecords } from "../../kafka/client/consumer.js";
import { type ConverterAtWork, convertPrepared } from "../task/converter-preparation.js";
import type { Stage } from "../task/error-policy.js";
import type { Outcome, RecordErrors } from "../task/record-errors.js";
import type { TaskConverters } from "../task/task-converters.js";
import type { TransformationChain } from "../task/transformation-chain.js";
import type { ConsumedRecord } from "./dead-letter-queue.js";

/**
 * Turns fetched records into sink records: key, value, headers, in this order, then the transformations. Records that a
 * transformation drops are left out, and those with tolerated failures, after their report (I8).
 */
export class SinkRecordDecoder {
  #stage: Stage = "KEY_CONVERTER";

  constructor(
    private readonly converters: TaskConverters,
    private readonly chain: TransformationChain | undefined,
    private readonly errors: RecordErrors<ConsumedRecord>,
    /** Whether the task may report records: each then keeps what was read, for `originalOf`. */
    private readonly keepOriginals: boolean,
    /** Aborts when the task must end: it then does not wait for a converter's `prepare`. */
    private readonly stopping: AbortSignal,
  ) {}

  /** Appends the records of one chunk to `into`. @throws DataError TOLERANCE_EXCEEDED */
  async decode(fetched: FetchedRecords, into: SinkRecord[]): Promise<void> {
    const { topic, partition } = fetched;
    for (const record of fetched.records) {
      let decoded: SinkRecord | null;
      try {
        decoded = this.#decodeOne(topic, partition, record);
      } catch (error) {
        const outcome = await this.#recover({ topic, partition, record }, error);
        if (outcome.kind === "fatal") throw outcome.error;
        if (outcome.kind === "skipped") continue;
        decoded = outcome.value;
      }
      if (decoded === null) {
        this.errors.noteDropped();
        continue;
      }
      into.push(decoded);
    }
  }

  /**
   * The record as read, also of a copy. One that the task created itself is encoded with the task's converters.
   * @throws their errors.
   */
  async originalOf(record: SinkRecord): Promise<ConsumedRecord> {
    if (record.origin instanceof ReadRecord) return record.origin;
    const { key, value, header } = this.converters;
    const topic = record.originalTopic;
    const headers = record.headers.map((one) => ({ key: one.key, value: header.fromConnectHeader(topic, one) }));
    let atWork: ConverterAtWork;
    const encode = (): ConsumedRecord => {
      const all = new RecordHeaders(headers);
      atWork = { converter: key, topic, subject: record.keySchema, headers };
      const keyBytes = key.fromConnectData(topic, all, record.keySchema, record.key);
      atWork = { converter: value, topic, subject: record.valueSchema, headers };
      const valueBytes = value.fromConnectData(topic, all, record.valueSchema, record.value);
      return consumed(record, keyBytes, valueBytes, all.all);
    };
    return convertPrepared(encode, () => atWork, this.stopping);
  }

  async #recover(consumed: ConsumedRecord, error: unknown): Promise<Outcome<SinkRecord | null>> {
    const { topic, partition, record } = consumed;
    const at = () => ({ stage: this.#stage, className: this.#classAtWork() });
    return this.errors.recover(consumed, at, error, () =>
      convertPrepared(
        // No transformation sees a record again that it has transformed.
        () =>
          this.#stage === "TRANSFORMATION"
            ? this.chain!.resume<SinkRecord>()
            : this.#decodeOne(topic, partition, record),
        () => this.#converterAtWork(topic, record),
        this.stopping,
      ),
    );
  }

  #decodeOne(topic: string, partition: number, record: ConsumerRecord): SinkRecord | null {
    const converted = this.#convert(topic, partition, record);
    if (this.chain === undefined) return converted;
    this.#stage = "TRANSFORMATION";
    return this.chain.apply(converted);
  }

  #convert(topic: string, partition: number, record: ConsumerRecord): SinkRecord {
    const { key: keyConverter, value: valueConverter } = this.converters;
    this.#stage = "KEY_CONVERTER";
    const key = keyConverter.toConnectData(topic, record.headers, record.key);
    this.#stage = "VALUE_CONVERTER";
    const value = valueConverter.toConnectData(topic, record.headers, record.value);
    this.#stage = "HEADER_CONVERTER";
    const timed = record.timestampMs >= 0;
    return new SinkRecord(
      topic,
      partition,
      key.schema,
      key.value,
      value.schema,
      value.value,
      record.offset,
      timed ? record.timestampMs : null,
      timed ? record.timestampType : "NoTimestampType",
      record.headers.length === 0 ? undefined : this.#decodeHeaders(topic, record),
      topic,
      partition,
      record.offset,
      this.keepOriginals ? new ReadRecord(topic, partition, record) : undefined,
    );
  }

  #decodeHeaders(topic: string, record: ConsumerRecord): Header[] {
    const { header } = this.converters;
    return record.headers.map(({ key, value }) => header.toConnectHeader(topic, key, value));
  }

  #converterAtWork(topic: string, { key, value, headers }: ConsumerRecord): ConverterAtWork | undefined {
    const { converters } = this;
    if (this.#stage === "KEY_CONVERTER") return { converter: converters.key, topic, subject: key, headers };
    if (this.#stage === "VALUE_CONVERTER") return { converter: converters.value, topic, subject: value, headers };
    return undefined;
  }

  #classAtWork(): string {
    const { classes } = this.converters;
    if (this.#stage === "TRANSFORMATION") return this.chain!.classAtWork;
    if (this.#stage === "KEY_CONVERTER") return classes.key;
    return this.#stage === "VALUE_CONVERTER" ? classes.value : classes.header;
  }
}

/** A class of its own, because a task may make records with an origin of any kind. */
class ReadRecord implements ConsumedRecord {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly record: ConsumerRecord,
  ) {}
}

function consumed(
  record: SinkRecord,
  key: Buffer | null,
  value: Buffer | null,
  headers: readonly RecordHeader[],
): ConsumedRecord {
  return {
    topic: record.originalTopic,
    partition: record.originalPartition,
    record: {
      offset: record.originalOffset,
      timestampMs: record.timestampMs ?? -1,
      timestampType: record.timestampType === "LogAppendTime" ? "LogAppendTime" : "CreateTime",
      key,
      value,
      headers,
    },
  };
}

/** `consumed record is {…}`: its position, for `errors.log.include.messages`. */
export function describeConsumed({ topic, partition, record }: ConsumedRecord): string {
  const time =
    record.timestampMs >= 0 ? `, timestamp=${record.timestampMs}, timestampType=${record.timestampType}` : "";
  return `consumed record is {topic='${topic}', partition=${partition}, offset=${record.offset}${time}}`;
}
