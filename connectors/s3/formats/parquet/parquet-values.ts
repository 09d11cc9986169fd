import { type AvroRecord, type AvroSchema, type ConnectValue, Struct } from "../../../../src/api/index.js";
import { membersOf } from "./parquet-schema.js";

/** Turns a value of Connect's into what the Parquet writer takes in a column. */
export type ToColumn = (value: ConnectValue) => unknown;

/** @param avro the schema that the value was written in. */
export function columnValue(avro: AvroSchema): ToColumn {
  switch (avro.kind) {
    case "union": {
      const members = membersOf(avro);
      return members.length === 1 ? orNull(columnValue(members[0]!)) : orNull(memberValue(members));
    }
    case "record":
      return recordValue(avro);
    case "array":
      return arrayValue(avro.items);
    case "map": {
      const item = columnValue(avro.values);
      return (value) => {
        const entries = value as ReadonlyMap<ConnectValue, ConnectValue>;
        return Array.from(entries, ([key, each]) => ({ key, value: item(each) }));
      };
    }
    case "long":
      return (value) => BigInt(value as number | bigint);
    default:
      return (value) => value;
  }
}

function orNull(convert: ToColumn): ToColumn {
  return (value) => (value === null ? null : convert(value));
}

function recordValue(record: AvroRecord): ToColumn {
  const fields = record.fields.map(({ name, schema }) => ({ name, convert: columnValue(schema) }));
  return (value) => {
    const struct = value as Struct;
    // Without a prototype: a field may have any name, __proto__ too.
    const converted: Record<string, unknown> = Object.create(null);
    for (const [at, { name, convert }] of fields.entries()) converted[name] = convert(struct.at(at));
    return converted;
  };
}

/** A map whose keys are no texts is an array of entries in Avro. */
function arrayValue(items: AvroSchema): ToColumn {
  const item = columnValue(items);
  const [key, value] = items.kind === "record" ? items.fields : [];
  const [toKey, toValue] = [key && columnValue(key.schema), value && columnValue(value.schema)];
  return (given) => {
    if (!(given instanceof Map)) return (given as readonly ConnectValue[]).map(item);
    const entries = given as ReadonlyMap<ConnectValue, ConnectValue>;
    return Array.from(entries, ([each, its]) => ({ [key!.name]: toKey!(each), [value!.name]: toValue!(its) }));
  };
}

/** Of a union of several types Connect makes a struct, with a field for each. */
function memberValue(members: readonly AvroSchema[]): ToColumn {
  const converts = members.map((member) => orNull(columnValue(member)));
  return (value) => {
    if (!(value instanceof Struct)) throw new TypeError("A union of several types is no struct");
    return Object.fromEntries(converts.map((convert, at) => [`member${at}`, convert(value.at(at))]));
  };
}
