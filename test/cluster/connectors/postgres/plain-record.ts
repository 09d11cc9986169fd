import { type ConnectValue, type SourceRecord, Struct } from "../../../../src/api/index.js";

/** A value as plain data, so that tests can compare it at a glance: bytes as hex, bigint as text with an n. */
export function plain(value: ConnectValue): unknown {
  if (value instanceof Struct)
    return Object.fromEntries(value.schema.fields.map(({ name, index }) => [name, plain(value.at(index))]));
  if (Buffer.isBuffer(value)) return `0x${value.toString("hex")}`;
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  return value;
}

/** A change event without the fields that differ from run to run. */
export interface PlainEvent {
  readonly topic: string;
  readonly key: unknown;
  /** undefined for a tombstone, and what is no event of a table. */
  readonly op: string | undefined;
  readonly before: unknown;
  readonly after: unknown;
}

export function plainEvent(record: SourceRecord): PlainEvent {
  const { value } = record;
  const envelope = value instanceof Struct ? value : undefined;
  const field = (name: string) => (envelope?.schema.field(name) ? plain(envelope.get(name)) : undefined);
  return {
    topic: record.topic,
    key: plain(record.key),
    op: field("op") as string | undefined,
    before: field("before"),
    after: field("after"),
  };
}

/** A field of the source block. */
export function sourceField(record: SourceRecord, name: string): unknown {
  return plain(((record.value as Struct).get("source") as Struct).get(name));
}
