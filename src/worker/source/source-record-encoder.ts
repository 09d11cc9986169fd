import {
  DataError,
  type Header,
  type RecordHeader,
  RecordHeaders,
  type SourceMap,
  type SourceRecord,
} from "../../api/index.js";
import type { ProducerRecord } from "../../kafka/client/producer.js";
import { type ConverterAtWork, convertPrepared } from "../task/converter-preparation.js";
import { NeverTolerated, type Stage } from "../task/error-policy.js";
import type { Outcome, RecordErrors } from "../task/record-errors.js";
import type { TaskConverters } from "../task/task-converters.js";
import type { TransformationChain } from "../task/transformation-chain.js";

/** A failed source record as logs may show it, without key and value. */
export interface SourceFailure {
  readonly topic: string;
  readonly sourcePartition: SourceMap;
  readonly sourceOffset: SourceMap;
}

const NO_HEADERS: readonly RecordHeader[] = [];

/** Turns source records into producer records: transformations, then headers, key and value, in this order. */
export class SourceRecordEncoder {
  /** The current stage of `encode`, for when it throws: a wrapper per stage would slow down every good record. */
  #stage: Stage = "HEADER_CONVERTER";
  /** The record in work, as the transformations left it. */
  #transformed: SourceRecord | null = null;
  /** The last record's headers and their encoding: sources often pass the same list with every record. */
  #headersOf: { readonly topic: string; readonly given: readonly Header[]; readonly encoded: readonly RecordHeader[] } =
    {
      topic: "",
      given: [],
      encoded: NO_HEADERS,
    };

  /** @param stopping aborts when the task must end: it then does not wait for a converter's `prepare`. */
  constructor(
    private readonly converters: TaskConverters,
    private readonly chain: TransformationChain | undefined,
    private readonly taskClass: string,
    private readonly errors: RecordErrors<SourceFailure>,
    private readonly stopping: AbortSignal,
  ) {}

  /**
   * Returns null for a record that a transformation drops.
   * @throws any error of a transformation or converter: pass it to `recover` at once.
   */
  encode(record: SourceRecord, nowMs: number): ProducerRecord | null {
    const { chain } = this;
    if (chain === undefined) return this.#convert(record, nowMs);
    this.#stage = "TRANSFORMATION";
    this.#transformed = chain.apply(record);
    return this.#transformed && this.#convert(this.#transformed, nowMs);
  }

  #convert(record: SourceRecord, nowMs: number): ProducerRecord {
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

  /** Called once the producer has copied the last result of `encode`. */
  release(): void {
    // Not the header converter: its result is reused for the next record.
    const { key, value } = this.converters;
    key.release?.();
    value.release?.();
  }

  /** Applies the error policy to a record for which `encode` has just thrown `error`. Done with null: dropped. */
  async recover(record: SourceRecord, error: unknown, nowMs: number): Promise<Outcome<ProducerRecord | null>> {
    const at = () => ({ stage: this.#stage, className: this.#classAtWork() });
    return this.errors.recover<ProducerRecord | null>(record, at, error, () =>
      convertPrepared(
        () => this.#encodeAgain(record, nowMs),
        () => this.#converterAtWork(this.#transformed ?? record),
        this.stopping,
      ),
    );
  }

  /** Continues at the stage that threw: no transformation sees a record again that it has transformed. */
  #encodeAgain(record: SourceRecord, nowMs: number): ProducerRecord | null {
    if (this.chain === undefined) return this.#convert(record, nowMs);
    if (this.#stage === "TRANSFORMATION") this.#transformed = this.chain.resume();
    return this.#transformed && this.#convert(this.#transformed, nowMs);
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
    if (this.#stage === "TRANSFORMATION") return this.chain!.classAtWork;
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

/** Never tolerated: it fails the task, as in Kafka Connect. */
function invalidTimestamp(topic: string, timestampMs: number): DataError {
  return new DataError(
    "VALUE_INVALID",
    `A record for topic ${topic} has the timestamp ${timestampMs}: expected null or ms since 1970`,
  );
}
