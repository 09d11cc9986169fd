import {
  ArrayStruct,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Logger,
  type Props,
  type Schema,
  SinkRecord,
  SourceRecord,
  Struct,
  structOf,
} from "../../../src/api/index.js";
import { silentLogger } from "../../../src/base/logger.js";
import { builtInPredicates, builtInTransformations } from "../../../src/transforms/built-in-transformations.js";

/** A configured transformation: `InsertField$Value`. */
export function transformation(name: string, props: Props, logger: Logger = silentLogger) {
  const className = name.startsWith("io.") ? name : `org.apache.kafka.connect.transforms.${name}`;
  const plugin = builtInTransformations.find((listed) => listed.className === className);
  if (!plugin) throw new Error(`${className} is not listed`);
  const made = plugin.transformation();
  made.configure(props, { logger });
  return made;
}

export function predicate(name: string, props: Props) {
  const className = `org.apache.kafka.connect.transforms.predicates.${name}`;
  const plugin = builtInPredicates.find((listed) => listed.className === className);
  if (!plugin) throw new Error(`${className} is not listed`);
  const made = plugin.predicate();
  made.configure(props);
  return made;
}

interface Parts {
  readonly topic?: string;
  readonly key?: ConnectValue;
  readonly keySchema?: Schema | null;
  readonly value?: ConnectValue;
  readonly schema?: Schema | null;
  readonly timestampMs?: number | null;
  readonly headers?: readonly Header[];
}

/** A source record without a partition. A struct brings its schema along. */
export function sourceRecord(parts: Parts = {}): SourceRecord {
  const { topic = "orders", key = null, value = null, timestampMs = null, headers = [] } = parts;
  const keySchema = parts.keySchema ?? (key instanceof Struct ? key.schema : null);
  const schema = parts.schema ?? (value instanceof Struct ? value.schema : null);
  return new SourceRecord({}, {}, topic, null, keySchema, key, schema, value, timestampMs, headers);
}

/** A sink record of partition 3 at offset 77. */
export function sinkRecord(parts: Parts = {}): SinkRecord {
  const { topic, keySchema, key, valueSchema, value, timestampMs, headers } = sourceRecord(parts);
  return new SinkRecord(topic, 3, keySchema, key, valueSchema, value, 77, timestampMs, "CreateTime", headers);
}

/** A struct of `[name, schema, value]`. */
export function struct(fields: readonly (readonly [string, Schema, ConnectValue])[], attributes = {}): Struct {
  const schema = structOf(
    fields.map(([name, field]) => [name, field] as const),
    attributes,
  );
  return new ArrayStruct(
    schema,
    fields.map(([, , value]) => value),
  );
}

/** Structs and maps as plain objects. */
export function plain(value: ConnectValue): unknown {
  if (value instanceof Struct)
    return Object.fromEntries(value.schema.fields.map(({ name, index }) => [name, plain(value.at(index))]));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return value;
}

/** The value of the transformed record. */
export function changedValue(record: ConnectRecord | null): unknown {
  if (!record) throw new Error("The record was dropped");
  return plain(record.value);
}
