import { DataError, type Header, type SourceMap, type SourceRecord } from "../../api/index.js";
import type { ProducerRecord, RecordHeader } from "../../kafka/kafka-client.js";
import type { Stage } from "../task/error-policy.js";
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

  constructor(
    private readonly converters: TaskConverters,
    private readonly taskClass: string,
    private readonly errors: RecordErrors<SourceFailure>,
  ) {}

  /** @throws whatever a converter throws: hand it to `recover` at once. */
  encode(record: SourceRecord, nowMs: number): ProducerRecord {
    const { key, value } = this.converters;
    const { topic, partition } = record;
    this.#stage = "HEADER_CONVERTER";
    const headers = record.headers.length === 0 ? NO_HEADERS : this.#encodeHeaders(topic, record.headers);
    this.#stage = "KEY_CONVERTER";
    const keyBytes = key.fromConnectData(topic, record.keySchema, record.key);
    this.#stage = "VALUE_CONVERTER";
    const valueBytes = value.fromConnectData(topic, record.valueSchema, record.value);
    this.#stage = "KAFKA_PRODUCE";
    const timestampMs = record.timestampMs === null || record.timestampMs === -1 ? nowMs : record.timestampMs;
    if (timestampMs < 0) throw new InvalidTimestamp(topic, timestampMs);
    return { topic, partition, key: keyBytes, value: valueBytes, timestampMs, headers };
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
    // No policy lets an invalid timestamp pass: it fails the task, as in Kafka Connect.
    if (error instanceof InvalidTimestamp) return { kind: "fatal", error };
    const again = () => this.encode(record, nowMs);
    return this.errors.recover<ProducerRecord>(record, this.#stage, this.#classAtWork(), error, again);
  }

  #encodeHeaders(topic: string, given: readonly Header[]): readonly RecordHeader[] {
    if (given === this.#headersOf.given && topic === this.#headersOf.topic) return this.#headersOf.encoded;
    const { header } = this.converters;
    const encoded = given.map((entry) => ({ key: entry.key, value: header.fromConnectHeader(topic, entry) }));
    this.#headersOf = { topic, given, encoded };
    return encoded;
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

class InvalidTimestamp extends DataError {
  constructor(topic: string, timestampMs: number) {
    super(
      "VALUE_INVALID",
      `A record for topic ${topic} has the timestamp ${timestampMs}: expected null or ms since 1970`,
    );
  }
}
