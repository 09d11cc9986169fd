import type { ConfigDef } from "./config-def.js";
import { DataError } from "./errors.js";
import type { RecordHeader, RecordHeaders } from "./record-headers.js";
import type { Header } from "./records.js";
import type { Schema } from "./schema.js";
import type { ConnectValue } from "./struct.js";

export interface SchemaAndValue {
  readonly schema: Schema | null;
  readonly value: ConnectValue;
}

/**
 * Bytes to values and back, for a record's key or value. Called by the task's loop for every record, on one thread;
 * whatever depends on the schema alone is worked out once per Schema object.
 *
 * Conversion is synchronous. A converter that has to ask somebody first (a schema registry, for the id of a schema or
 * the schema of an id) throws NotPreparedError for what it does not know yet; the worker then awaits `prepare` and
 * converts the record again, before any record after it. Converters that know all they need pay nothing for it.
 */
export interface Converter {
  readonly config: ConfigDef;
  /** Called once, before anything else. `props` are the converter's own keys, without their prefix. @throws ConfigError */
  configure(props: Readonly<Record<string, string>>, isKey: boolean): void;
  /**
   * The bytes to produce, null for a tombstone. The Buffer may be a slice of a larger one and is not written again before
   * `release`.
   *
   * @param headers the record's, already converted; what is added here is produced with the record. The key's
   * converter is called first, and both are called again, with the record's own headers, after a failed attempt.
   * @throws DataError; NotPreparedError when `prepare` has to be awaited first.
   */
  fromConnectData(topic: string, headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null;
  /** The worker has copied what `fromConnectData` returned: its memory may be used again. Called after each record, or never. */
  release?(): void;
  /**
   * @param headers the record's, as they stand in the topic.
   * @throws DataError when the bytes are not of this format; NotPreparedError when `prepare` has to be awaited first.
   */
  toConnectData(topic: string, headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue;
  /**
   * Gets what the conversion that has just thrown NotPreparedError lacks; the same arguments must then convert. Awaited
   * before anything else of the task goes on, so it has to give up by itself after a while. When the task is stopped,
   * its result is dropped.
   *
   * @param subject what is not known: a schema (writing), or the bytes whose schema is not known (reading).
   * @param headers as the conversion got them.
   * @throws RetriableError when it may work later: tried again until errors.retry.timeout. Any error counts as one of
   * the conversion (errors.tolerance).
   */
  prepare?(topic: string, subject: Schema | Buffer | null, headers: readonly RecordHeader[]): Promise<void>;
}

/** Thrown by a Converter that cannot convert this record before its `prepare` was awaited. */
export class NotPreparedError extends DataError {
  /** @param unknown what it does not know yet, for a log: `schema id 7`. */
  constructor(unknown: string) {
    super("CONVERTER_NOT_PREPARED", `The converter does not know ${unknown} yet`);
  }
}

/** The same for one header's value; always synchronous. */
export interface HeaderConverter {
  readonly config: ConfigDef;
  configure(props: Readonly<Record<string, string>>): void;
  fromConnectHeader(topic: string, header: Header): Buffer | null;
  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header;
}
