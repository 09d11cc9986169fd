import {
  DataError,
  type Header,
  type RecordHeader,
  RecordHeaders,
  type SourceMap,
  type SourceRecord,
} from "../../api/index.js";
import type { ProducerRecord } from "../../kafka/kafka-client.js";
import { type ConverterAtWork, convertPrepared } from "../task/converter-preparation.js";
import { NeverTolerated, type Stage } from "../task/error-policy.js";
import type { Outcome, RecordErrors } from "../task/record-errors.js";
import type { TaskConverters } from "../task/task-converters.js";

/** Which source record failed, as far as logs may say it: never a key or value. */
export interface SourceFailure {
  readonly topic: string;
  readonly sourcePartition: SourceMap;
  readonly sourceOffset: SourceMap;
}

const NO_HEADERS: readonly RecordHeader[] = [];

/** Turns source records into what the producer takes: headers, key, value, in this order, as their failures are told. */
export class SourceRecordEncoder {
  /** Where `encode` is, for when it throws: a wrapper per stage would cost every good record something. */
  #stage: Stage = "HEADER_CONVERTER";
  /** The last record's, as given and as bytes: sources that have the same headers on all give the same list. */
  #headersOf: { readonly topic: string; readonly given: readonly Header[]; readonly encoded: readonly RecordHeader[] } =
    {
      topic: "",
      given: [],
      encoded: NO_HEADERS,
    };

  /** @param stopping aborts when the task is to end: it then waits for no converter to prepare. */
  constructor(
    private readonly converters: TaskConverters,
    private readonly taskClass: string,
    private readonly errors: RecordErrors<SourceFailure>,
    private readonly stopping: AbortSignal,
  ) {}

  /** @throws whatever a converter throws: hand it to `recover` at once. */
  encode(record: SourceRecord, nowMs: number): ProducerRecord {
    const { key, value } = this.converters;
    const { topic, partition } = record;
    this.#stage = "HEADER_CONVERTER";
    const headers = new RecordHeaders(
      record.headers.length === 0 ? NO_HEADERS : this.#encodeHeaders(topic, record.headers),
    );
    this.#stage = "KEY_CONVERTER";
    const keyBytes = key.fromConnectData(topic, headers, record.keySchema, record.key);
    this.#stage = "VALUE_CONVERTER";
    const valueBytes = value.fromConnectData(topic, headers, record.valueSchema, record.value);
    this.#stage = "KAFKA_PRODUCE";
    const timestampMs = record.timestampMs === null || record.timestampMs === -1 ? nowMs : record.timestampMs;
    if (timestampMs < 0) throw new NeverTolerated(invalidTimestamp(topic, timestampMs));
    return { topic, partition, key: keyBytes, value: valueBytes, timestampMs, headers: headers.all };
  }

  /** The producer has copied what `encode` gave last. */
  release(): void {
    // Not the header converter: what it gave is used for the next record, too.
    const { key, value } = this.converters;
    key.release?.();
    value.release?.();
  }

  /** What becomes of a record that `encode` has just thrown `error` for. */
  async recover(record: SourceRecord, error: unknown, nowMs: number): Promise<Outcome<ProducerRecord>> {
    const at = () => ({ stage: this.#stage, className: this.#classAtWork() });
    return this.errors.recover<ProducerRecord>(record, at, error, () =>
      convertPrepared(
        () => this.encode(record, nowMs),
        () => this.#converterAtWork(record),
        this.stopping,
      ),
    );
  }

  #encodeHeaders(topic: string, given: readonly Header[]): readonly RecordHeader[] {
    if (given === this.#headersOf.given && topic === this.#headersOf.topic) return this.#headersOf.encoded;
    const { header } = this.converters;
    const encoded = given.map((entry) => ({ key: entry.key, value: header.fromConnectHeader(topic, entry) }));
    this.#headersOf = { topic, given, encoded };
    return encoded;
  }

  #converterAtWork(record: SourceRecord): ConverterAtWork | undefined {
    const { key, value } = this.converters;
    const { topic } = record;
    const headers = record.headers.length === 0 ? NO_HEADERS : this.#encodeHeaders(topic, record.headers);
    if (this.#stage === "KEY_CONVERTER") return { converter: key, topic, subject: record.keySchema, headers };
    if (this.#stage === "VALUE_CONVERTER") return { converter: value, topic, subject: record.valueSchema, headers };
    return undefined;
  }

  #classAtWork(): string {
    const { classes } = this.converters;
    if (this.#stage === "KEY_CONVERTER") return classes.key;
    if (this.#stage === "VALUE_CONVERTER") return classes.value;
    return this.#stage === "HEADER_CONVERTER" ? classes.header : this.taskClass;
  }
}

/** `source record is {…}`: its topic and position, for `errors.log.include.messages`. */
export function describeSource({ topic, sourcePartition, sourceOffset }: SourceFailure): string {
  return `source record is {topic='${topic}', sourcePartition=${shown(sourcePartition)}, sourceOffset=${shown(sourceOffset)}}`;
}

function shown(map: SourceMap): string {
  return JSON.stringify(map, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

/** No policy lets it pass: it fails the task, as in Kafka Connect. */
function invalidTimestamp(topic: string, timestampMs: number): DataError {
  return new DataError(
    "VALUE_INVALID",
    `A record for topic ${topic} has the timestamp ${timestampMs}: expected null or ms since 1970`,
  );
}
