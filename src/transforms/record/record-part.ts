import type { ConnectRecord, ConnectValue, Schema } from "../../api/index.js";

/** The key or the value of a record: what the nested classes `$Key` and `$Value` of a transformation work on. */
export interface RecordPart {
  /** The end of the class names. */
  readonly name: "Key" | "Value";
  schema(record: ConnectRecord): Schema | null;
  value(record: ConnectRecord): ConnectValue;
  /** A copy of the record with another key or value. */
  replaced(record: ConnectRecord, schema: Schema | null, value: ConnectValue): ConnectRecord;
}

export const KEY: RecordPart = {
  name: "Key",
  schema: (record) => record.keySchema,
  value: (record) => record.key,
  replaced: (record, keySchema, key) => record.with({ keySchema, key }),
};

export const VALUE: RecordPart = {
  name: "Value",
  schema: (record) => record.valueSchema,
  value: (record) => record.value,
  replaced: (record, valueSchema, value) => record.with({ valueSchema, value }),
};
