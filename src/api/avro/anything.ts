import { type AvroPrimitiveType, type AvroRecord, type AvroSchema, avroPrimitive } from "./avro-schema.js";
import { CONNECT_NAMESPACE, MAP_ENTRY } from "./connect-names.js";

const PLAIN = ["boolean", "bytes", "double", "float", "int", "long", "string"] as const satisfies AvroPrimitiveType[];

/** The fields of `Anything`, in order. */
export const ANYTHING_FIELDS = [...PLAIN, "array", "map"] as const;

/** The record in which Confluent's converter writes a value that has no schema: one of its fields is set. */
export const ANYTHING: AvroRecord = anything();

function anything(): AvroRecord {
  const part = { namespace: CONNECT_NAMESPACE, aliases: [] };
  const record: AvroRecord = { kind: "record", name: "Anything", ...part, fields: [], properties: new Map() };
  const entry: AvroRecord = { kind: "record", name: MAP_ENTRY, ...part, fields: [], properties: new Map() };
  entry.fields.push(
    { name: "key", schema: record, aliases: [], properties: new Map() },
    { name: "value", schema: record, aliases: [], properties: new Map() },
  );
  const list = (items: AvroSchema): AvroSchema => ({ kind: "array", items, properties: new Map() });
  for (const name of PLAIN) record.fields.push(nullable(name, avroPrimitive(name)));
  record.fields.push(nullable("array", list(record)), nullable("map", list(entry)));
  return record;
}

function nullable(name: string, schema: AvroSchema) {
  const branches = [avroPrimitive("null"), schema];
  return { name, schema: { kind: "union", branches }, defaultValue: null, aliases: [], properties: new Map() } as const;
}
