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
 * Converts a record's key or value between bytes and Connect values. The task's loop calls it for every record, on one
 * thread; work that depends only on the schema is done once per Schema object.
 *
 * Conversion is synchronous. A converter that needs a remote lookup (a schema registry, for the id of a schema or the
 * schema of an id) throws NotPreparedError for a missing entry. The worker then awaits `prepare` and converts the
 * record again, before any later record. Converters without lookups pay nothing for it.
 */
export interface Converter {
  readonly config: ConfigDef;
  /** Called once, before anything else. `props` are the converter's keys, without prefix. @throws ConfigError */
  configure(props: Readonly<Record<string, string>>, isKey: boolean): void;
  /**
   * Returns the bytes to produce, null for a tombstone. The Buffer may be a slice of a larger one; it is not
   * overwritten before `release`.
   *
   * @param headers the record's converted headers. Headers added here are produced with the record. The key's converter
   * is called first. After a failed attempt both are called again, with the record's own headers.
   * @throws DataError; NotPreparedError when `prepare` must be awaited first.
   */
  fromConnectData(topic: string, headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null;
  /**
   * The worker has copied the bytes of `fromConnectData`: their memory may be reused. Called after each record, or
   * never.
   */
  release?(): void;
  /**
   * @param headers the record's headers, as read from the topic.
   * @throws DataError when the bytes are not in this format; NotPreparedError when `prepare` must be awaited first.
   */
  toConnectData(topic: string, headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue;
  /**
   * Loads the entry for which a conversion has just thrown NotPreparedError; afterwards the same arguments must
   * convert. The task waits for it, so it must time out by itself. If the task is stopped, the result is dropped.
   *
   * @param subject the unknown schema (writing), or the bytes whose schema is unknown (reading).
   * @param headers the headers of the conversion.
   * @throws RetriableError when it may work later: it is retried until errors.retry.timeout. Every error counts as an
   * error of the conversion (errors.tolerance).
   */
  prepare?(topic: string, subject: Schema | Buffer | null, headers: readonly RecordHeader[]): Promise<void>;
}

/** Thrown by a Converter that cannot convert the record until its `prepare` has been awaited. */
export class NotPreparedError extends DataError {
  /** @param unknown the missing entry, for logs: `schema id 7`. */
  constructor(unknown: string) {
    super("CONVERTER_NOT_PREPARED", `The converter does not know ${unknown} yet`);
  }
}

/** A converter class: for keys and values, for headers, or both. */
export interface ConverterPlugin {
  /** The value of `key.converter`, `value.converter` or `header.converter`. */
  readonly className: string;
  readonly version: string;
  converter?(): Converter;
  headerConverter?(): HeaderConverter;
}

/** Converts one header's value; always synchronous. */
export interface HeaderConverter {
  readonly config: ConfigDef;
  configure(props: Readonly<Record<string, string>>): void;
  fromConnectHeader(topic: string, header: Header): Buffer | null;
  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header;
}
