import type { Schema } from "./schema.js";
import type { ConnectValue } from "./struct.js";

/** A record header: an ordered multimap entry. */
export interface Header {
  readonly key: string;
  readonly schema: Schema | null;
  readonly value: ConnectValue;
}

/** Identifies a source (`{"server":"shop"}`) or a position in it (`{"lsn":123}`), as a flat JSON object. */
export type SourceMap = Readonly<Record<string, string | number | bigint | boolean | null>>;

const NO_HEADERS: readonly Header[] = [];

/** A transformation's changes of a record. Absent members stay as they are. */
export interface RecordChange {
  readonly topic?: string;
  /** null, for a source record: the partitioner's choice by key. */
  readonly partition?: number | null;
  readonly keySchema?: Schema | null;
  readonly key?: ConnectValue;
  readonly valueSchema?: Schema | null;
  readonly value?: ConnectValue;
  /** Milliseconds since 1970. */
  readonly timestampMs?: number | null;
  readonly headers?: readonly Header[];
}

/** A record on its way from a source to a topic. */
export class SourceRecord {
  constructor(
    /** The source. Records of one source should share one object: the ledger compares by identity first. */
    readonly sourcePartition: SourceMap,
    /** Where to continue after this record. */
    readonly sourceOffset: SourceMap,
    readonly topic: string,
    /** Topic partition, or null for the partitioner's choice by key. */
    readonly partition: number | null,
    readonly keySchema: Schema | null,
    readonly key: ConnectValue,
    readonly valueSchema: Schema | null,
    readonly value: ConnectValue,
    /** Milliseconds since 1970, or null for the producer's time. */
    readonly timestampMs: number | null = null,
    readonly headers: readonly Header[] = NO_HEADERS,
  ) {}

  /** A copy with `change`. */
  with(change: RecordChange): SourceRecord {
    return new SourceRecord(
      this.sourcePartition,
      this.sourceOffset,
      change.topic ?? this.topic,
      kept(change.partition, this.partition),
      kept(change.keySchema, this.keySchema),
      kept(change.key, this.key),
      kept(change.valueSchema, this.valueSchema),
      kept(change.value, this.value),
      kept(change.timestampMs, this.timestampMs),
      change.headers ?? this.headers,
    );
  }
}

export type TimestampType = "NoTimestampType" | "CreateTime" | "LogAppendTime";

/** A record on its way from a topic to a sink. */
export class SinkRecord {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly keySchema: Schema | null,
    readonly key: ConnectValue,
    readonly valueSchema: Schema | null,
    readonly value: ConnectValue,
    readonly offset: number,
    /** Milliseconds since 1970, or null when the record has none. */
    readonly timestampMs: number | null,
    readonly timestampType: TimestampType,
    readonly headers: readonly Header[] = NO_HEADERS,
    /** The record's position as read, unaffected by transformations (KIP-793). */
    readonly originalTopic: string = topic,
    readonly originalPartition: number = partition,
    readonly originalOffset: number = offset,
    /** For the worker: the record as read. Copies keep it, so that a report of one shows what was read. */
    readonly origin?: object,
  ) {}

  /** A copy with `change`, at the same original position. */
  with(change: RecordChange): SinkRecord {
    return new SinkRecord(
      change.topic ?? this.topic,
      change.partition ?? this.partition,
      kept(change.keySchema, this.keySchema),
      kept(change.key, this.key),
      kept(change.valueSchema, this.valueSchema),
      kept(change.value, this.value),
      this.offset,
      kept(change.timestampMs, this.timestampMs),
      this.timestampType,
      change.headers ?? this.headers,
      this.originalTopic,
      this.originalPartition,
      this.originalOffset,
      this.origin,
    );
  }
}

function kept<T>(changed: T | undefined, value: T): T {
  return changed === undefined ? value : changed;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `offset` is the next offset to read, as in a consumer's commit. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}
