import { ConfigError, type ConnectValue, DataError, LOGICAL, type SinkRecord, Struct } from "../../../src/api/index.js";

/** Puts records into directories. One per task; called for every record. */
export interface Partitioner {
  /** The record's time in ms since 1970, or null when directories do not depend on it. @throws DataError */
  timestampOf(record: SinkRecord, nowMs: number): number | null;
  /** The directories between topic and file name. @throws DataError when the record has none. */
  encode(record: SinkRecord, timestampMs: number | null): string;
}

/** DefaultPartitioner: `partition=3`. */
export class DefaultPartitioner implements Partitioner {
  readonly #texts: string[] = [];

  timestampOf(): null {
    return null;
  }

  encode(record: SinkRecord): string {
    const known = this.#texts[record.partition];
    if (known !== undefined) return known;
    const text = `partition=${record.partition}`;
    this.#texts[record.partition] = text;
    return text;
  }
}

/** FieldPartitioner: `country=de/city=Köln`, from fields of the value, which must be a Struct. */
export class FieldPartitioner implements Partitioner {
  readonly #fields: readonly { name: string; path: readonly string[] }[];

  /** @throws ConfigError when there is no field name. */
  constructor(
    names: readonly string[],
    private readonly delimiter: string,
  ) {
    if (names.length === 0) {
      throw new ConfigError("partition.field.name", "partition.field.name must be set when using FieldPartitioner.");
    }
    this.#fields = names.map((name) => ({ name, path: name.split(".") }));
  }

  timestampOf(): null {
    return null;
  }

  encode(record: SinkRecord): string {
    let text = "";
    for (const { name, path } of this.#fields) {
      text += `${text === "" ? "" : this.delimiter}${name}=${fieldText(record.value, name, path)}`;
    }
    return text;
  }
}

function fieldText(value: ConnectValue, name: string, path: readonly string[]): string {
  if (!(value instanceof Struct)) {
    throw new DataError(
      "S3_PARTITION_UNKNOWN",
      `Error encoding partition. The value must be a Struct with the field ${name} (partition.field.name).`,
    );
  }
  let current: ConnectValue = value;
  let schema = value.schema;
  for (const step of path) {
    const field = current instanceof Struct ? current.schema.field(step) : schema.field(step);
    if (!field) {
      throw new DataError(
        "S3_PARTITION_UNKNOWN",
        `Unable to find field '${name}' (partition.field.name) in the value.`,
      );
    }
    schema = field.schema;
    current = current instanceof Struct ? current.get(step) : null;
  }
  if (current === null) return "null";
  switch (schema.type) {
    case "string":
      return current as string;
    case "boolean":
    case "int8":
    case "int16":
      return String(current);
    case "int32":
    case "int64":
      return schema.name === LOGICAL.date || schema.name === LOGICAL.time || schema.name === LOGICAL.timestamp
        ? logicalText(schema.name, Number(current))
        : String(current);
    default:
      throw new DataError(
        "S3_PARTITION_UNKNOWN",
        `Error encoding partition. Field ${name} (partition.field.name) is of type ${schema.type}; integers, strings and booleans make directories.`,
      );
  }
}

/** ISO 8601, where the original dies: `2024-05-01`, `13:05:00.000`, `2024-05-01T13:05:00.000Z`. */
function logicalText(name: string, value: number): string {
  const ms = name === LOGICAL.date ? value * 86_400_000 : value;
  if (!(Math.abs(ms) <= 8.64e15))
    throw new DataError("S3_PARTITION_UNKNOWN", `A ${name} is beyond the years that make directories: ${value}.`);
  const text = new Date(ms).toISOString();
  if (name === LOGICAL.date) return text.slice(0, -14);
  return name === LOGICAL.time ? text.slice(11, 23) : text;
}

/** `schema_name=…` before or behind another partitioner's directories (s3.schema.partition.affix.type). */
export class SchemaAffixPartitioner implements Partitioner {
  constructor(
    private readonly inner: Partitioner,
    private readonly affix: "PREFIX" | "SUFFIX",
    private readonly delimiter: string,
  ) {}

  timestampOf(record: SinkRecord, nowMs: number): number | null {
    return this.inner.timestampOf(record, nowMs);
  }

  encode(record: SinkRecord, timestampMs: number | null): string {
    const name = `schema_name=${record.valueSchema?.name ?? "null"}`;
    const encoded = this.inner.encode(record, timestampMs);
    return this.affix === "PREFIX" ? name + this.delimiter + encoded : encoded + this.delimiter + name;
  }
}
