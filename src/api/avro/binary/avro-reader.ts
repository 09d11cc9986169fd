import { DataError } from "../../errors.js";
import type { Schema } from "../../schema.js";
import { ArrayStruct, type ConnectValue, Float64 } from "../../struct.js";
import { withField } from "../../values/field-path.js";
import { AVRO_DATA_DEFAULTS, type AvroDataSettings } from "../avro-data-settings.js";
import type { AvroSchema } from "../avro-schema.js";
import { connectFromAvro } from "../connect-from-avro.js";
import { AvroCursor, malformed } from "./avro-cursor.js";
import { type AvroReadPlan, planAvroReading, READ } from "./avro-read-plan.js";

/** Deeper nesting is refused: it would overflow the stack. */
const DEEPEST = 1000;

/**
 * Reads values that were written as one Avro schema, into Connect's data model. Make one per writer's schema, and keep
 * it.
 */
export class AvroReader {
  /** The schema of what is read; null for values without a schema. */
  readonly schema: Schema | null;
  readonly #plan: AvroReadPlan;

  /**
   * @param reader the schema to read as, by Avro's rules of resolution; by default the writer's.
   * @param version of the reader's schema in its registry, for `schema`.
   * @throws DataError SCHEMA_INVALID when Connect cannot express it, or it cannot read what the writer wrote.
   */
  constructor(
    writer: AvroSchema,
    settings: AvroDataSettings = AVRO_DATA_DEFAULTS,
    reader: AvroSchema = writer,
    version?: number,
  ) {
    this.schema = connectFromAvro(reader, settings, version);
    this.#plan = planAvroReading(writer, reader, this.schema, settings);
  }

  /**
   * Reads one value. What it returns shares no memory with `bytes`.
   * @throws DataError RECORD_MALFORMED for bytes that are no value of the writer's schema, or more than one.
   */
  read(bytes: Buffer): ConnectValue {
    const cursor = new AvroCursor(bytes);
    const value = this.readNext(cursor);
    cursor.end();
    return value;
  }

  /** Reads the next of several values. @throws DataError as `read`. */
  readNext(cursor: AvroCursor): ConnectValue {
    return readValue(cursor, this.#plan, 0);
  }
}

function readValue(cursor: AvroCursor, plan: AvroReadPlan, depth: number): ConnectValue {
  switch (plan.kind) {
    case READ.null:
      return null;
    case READ.string:
      return cursor.text();
    case READ.int:
      return cursor.int();
    case READ.long:
      return cursor.long();
    case READ.record:
      return readRecord(cursor, plan, depth);
    case READ.union: {
      const branch = cursor.count();
      const read = plan.fields[branch];
      if (!read) throw malformed("a union has no such branch");
      return readValue(cursor, read, depth);
    }
    case READ.boolean:
      return cursor.boolean();
    case READ.double:
      return cursor.double();
    case READ.float:
      return cursor.float();
    case READ.bytes:
      return cursor.blob();
    case READ.smallInt: {
      const value = cursor.int();
      const unused = 32 - plan.size;
      if ((value << unused) >> unused === value) return value;
      throw new DataError("VALUE_INVALID", `A whole number outside the range of ${plan.schema!.type.toUpperCase()}`);
    }
    case READ.whole:
      return Number(cursor.long());
    case READ.stringAsBytes:
      return cursor.blob();
    case READ.bytesAsString:
      return cursor.text();
    case READ.fixed:
      return cursor.raw(plan.size);
    case READ.enum: {
      const symbol = plan.symbols[cursor.count()];
      if (symbol === undefined) throw malformed("an enum has no such symbol");
      if (symbol !== null) return symbol;
      throw new DataError("VALUE_INVALID", "The reader's enum has neither the writer's symbol nor a default");
    }
    case READ.array:
      return readArray(cursor, plan.items!, depth);
    case READ.map:
      return readMap(cursor, plan.items!, depth);
    case READ.entries:
      return readEntries(cursor, plan.keys!, plan.items!, depth);
    case READ.wrapped: {
      const values = new Array<ConnectValue>(plan.schema!.fields.length).fill(null);
      values[plan.size] = readValue(cursor, plan.items!, depth);
      return new ArrayStruct(plan.schema!, values);
    }
    case READ.anything:
      return readAnything(cursor, plan, depth);
    case READ.refused:
      throw plan.refusal!;
  }
}

function readRecord(cursor: AvroCursor, plan: AvroReadPlan, depth: number): ConnectValue {
  if (depth > DEEPEST) throw malformed(`the record nests deeper than ${DEEPEST} levels`);
  const { fields, positions } = plan;
  const values = plan.defaults.slice();
  let i = 0;
  try {
    for (; i < fields.length; i++) {
      const value = readValue(cursor, fields[i]!, depth + 1);
      const position = positions[i]!;
      if (position >= 0) values[position] = value;
    }
  } catch (error) {
    throw withField(error, plan.schema!.fields[positions[i]!]?.name);
  }
  return new ArrayStruct(plan.schema!, values);
}

function readArray(cursor: AvroCursor, items: AvroReadPlan, depth: number): ConnectValue[] {
  const values: ConnectValue[] = [];
  for (let block = cursor.block(); block > 0; block = cursor.block()) {
    for (let i = 0; i < block; i++) values.push(readValue(cursor, items, depth + 1));
  }
  return values;
}

function readMap(cursor: AvroCursor, items: AvroReadPlan, depth: number): Map<ConnectValue, ConnectValue> {
  const entries = new Map<ConnectValue, ConnectValue>();
  for (let block = cursor.block(); block > 0; block = cursor.block()) {
    for (let i = 0; i < block; i++) {
      const key = cursor.text();
      entries.set(key, readValue(cursor, items, depth + 1));
    }
  }
  return entries;
}

function readEntries(cursor: AvroCursor, keys: AvroReadPlan, items: AvroReadPlan, depth: number) {
  const entries = new Map<ConnectValue, ConnectValue>();
  for (let block = cursor.block(); block > 0; block = cursor.block()) {
    for (let i = 0; i < block; i++) {
      const key = readValue(cursor, keys, depth + 1);
      entries.set(key, readValue(cursor, items, depth + 1));
    }
  }
  return entries;
}

/** Reads Anything: the one of its fields that is set. */
function readAnything(cursor: AvroCursor, plan: AvroReadPlan, depth: number): ConnectValue {
  if (depth > DEEPEST) throw malformed(`the record nests deeper than ${DEEPEST} levels`);
  let found: ConnectValue = null;
  for (let i = 0; i < 9; i++) if (cursor.count() === 1) found = anythingAt(cursor, plan, i, depth);
  return found;
}

function anythingAt(cursor: AvroCursor, plan: AvroReadPlan, field: number, depth: number): ConnectValue {
  switch (field) {
    case 0:
      return cursor.boolean();
    case 1:
      return cursor.blob();
    case 2:
      return withoutSchema(cursor.double());
    case 3:
      return withoutSchema(cursor.float());
    case 4:
      return cursor.int();
    case 5:
      return cursor.long();
    case 6:
      return cursor.text();
    case 7:
      return readArray(cursor, plan, depth);
    default:
      return readEntries(cursor, plan, plan, depth);
  }
}

/** A whole number would otherwise read as an INT64. */
function withoutSchema(value: number): ConnectValue {
  return Number.isInteger(value) ? new Float64(value) : value;
}
