import type { SchemaElement } from "hyparquet";
import {
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  avroFullName,
  DataError,
} from "../../../../src/api/index.js";

type Repetition = "REQUIRED" | "OPTIONAL";

/** The schema of a Parquet file, as its elements in depth-first order. */
export interface ParquetSchema {
  /** For the columns' values, in which a decimal is its bytes. */
  readonly columns: SchemaElement[];
  /** For the file. */
  readonly file: SchemaElement[];
}

/**
 * The Parquet schema of an Avro record, as parquet-avro maps it, except that lists always have three levels.
 *
 * @throws DataError when Parquet cannot express it.
 */
export function parquetSchema(avro: AvroSchema): ParquetSchema {
  if (avro.kind !== "record")
    throw refused(
      "writes values of type struct, whose fields are its columns; use a value.converter that keeps schemas, such as org.apache.kafka.connect.json.JsonConverter with value.converter.schemas.enable=true",
    );
  const file = recordElements(avro, avroFullName(avro), undefined, []);
  return {
    file,
    columns: file.map(({ converted_type, ...rest }) =>
      converted_type === undefined || converted_type === "DECIMAL" ? rest : { ...rest, converted_type },
    ),
  };
}

/** Whether the schema holds a decimal, whose bytes have no order of their own. */
export function holdsDecimal(avro: AvroSchema): boolean {
  switch (avro.kind) {
    case "record":
      return avro.fields.some(({ schema }) => holdsDecimal(schema));
    case "array":
      return holdsDecimal(avro.items);
    case "map":
      return holdsDecimal(avro.values);
    case "union":
      return avro.branches.some(holdsDecimal);
    case "bytes":
      return avro.properties.get("logicalType") === "decimal";
    default:
      return false;
  }
}

/** The branches of a union that are not null. */
export function membersOf(union: AvroSchema & { readonly kind: "union" }): readonly AvroSchema[] {
  return union.branches.filter(({ kind }) => kind !== "null");
}

/** @param around the records around it: one that holds itself has no end of columns. */
function elementsOf(
  name: string,
  avro: AvroSchema,
  repetition: Repetition,
  around: readonly AvroRecord[],
): SchemaElement[] {
  const own = { name, repetition_type: repetition };
  switch (avro.kind) {
    case "union": {
      const members = membersOf(avro);
      const isOptional = members.length < avro.branches.length;
      const outer = isOptional ? "OPTIONAL" : repetition;
      if (members.length === 1) return elementsOf(name, members[0]!, outer, around);
      const children = members.flatMap((member, at) => elementsOf(`member${at}`, member, "OPTIONAL", around));
      return [{ name, repetition_type: outer, num_children: members.length }, ...children];
    }
    case "record":
      return recordElements(avro, name, repetition, around);
    case "array":
      return [
        { ...own, converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elementsOf("element", avro.items, "REQUIRED", around),
      ];
    case "map":
      return [
        { ...own, converted_type: "MAP", num_children: 1 },
        { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
        { name: "key", repetition_type: "REQUIRED", type: "BYTE_ARRAY", converted_type: "UTF8" },
        ...elementsOf("value", avro.values, "REQUIRED", around),
      ];
    case "fixed":
      return [{ ...own, type: "FIXED_LEN_BYTE_ARRAY", type_length: avro.size }];
    case "enum":
      return [{ ...own, type: "BYTE_ARRAY", converted_type: "ENUM" }];
    case "null":
      throw refused(`has no column for field ${name}, which is always null`);
    default:
      return [{ ...own, ...PRIMITIVES[avro.kind], ...logicalOf(avro) }];
  }
}

const PRIMITIVES = {
  boolean: { type: "BOOLEAN" },
  int: { type: "INT32" },
  long: { type: "INT64" },
  float: { type: "FLOAT" },
  double: { type: "DOUBLE" },
  bytes: { type: "BYTE_ARRAY" },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
} as const;

function logicalOf({ kind, properties }: AvroPrimitive): Partial<SchemaElement> {
  // A number of an Avro schema is its text.
  const numberOf = (name: string) =>
    Number((properties.get(name) as { readonly text?: string } | undefined)?.text ?? 0);
  switch (`${kind} ${properties.get("logicalType") ?? ""}`) {
    case "bytes decimal":
      return { converted_type: "DECIMAL", scale: numberOf("scale"), precision: numberOf("precision") };
    case "int date":
      return { converted_type: "DATE" };
    case "int time-millis":
      return { converted_type: "TIME_MILLIS" };
    case "long timestamp-millis":
      return { converted_type: "TIMESTAMP_MILLIS" };
    default:
      return {};
  }
}

function recordElements(
  record: AvroRecord,
  name: string,
  repetition: Repetition | undefined,
  around: readonly AvroRecord[],
): SchemaElement[] {
  if (around.includes(record)) throw refused(`cannot hold ${avroFullName(record)}, which holds itself`);
  if (record.fields.length === 0) throw refused(`cannot hold ${avroFullName(record)}, which has no fields`);
  const group = { name, num_children: record.fields.length, ...(repetition && { repetition_type: repetition }) };
  const inside = [...around, record];
  return [group, ...record.fields.flatMap((field) => elementsOf(field.name, field.schema, "REQUIRED", inside))];
}

function refused(why: string): DataError {
  return new DataError("S3_RECORD_REFUSED", `ParquetFormat ${why}.`);
}
