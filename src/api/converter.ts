import type { ConfigDef } from "./config-def.js";
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
 */
export interface Converter {
  readonly config: ConfigDef;
  /** Called once, before anything else. `props` are the converter's own keys, without their prefix. @throws ConfigError */
  configure(props: Readonly<Record<string, string>>, isKey: boolean): void;
  /**
   * The bytes to produce, null for a tombstone. The Buffer may be a slice of a larger one and is not written again before
   * `release`.
   * @throws DataError
   */
  fromConnectData(topic: string, schema: Schema | null, value: ConnectValue): Buffer | null;
  /** Nobody reads any more what `fromConnectData` has given: its memory may be used again. Called after each record, or never. */
  release?(): void;
  /** @throws DataError when the bytes are not of this format. */
  toConnectData(topic: string, bytes: Buffer | null): SchemaAndValue;
}

/** The same for one header's value. */
export interface HeaderConverter {
  readonly config: ConfigDef;
  configure(props: Readonly<Record<string, string>>): void;
  fromConnectHeader(topic: string, header: Header): Buffer | null;
  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header;
}
