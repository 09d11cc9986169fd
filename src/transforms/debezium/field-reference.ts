import { ConfigError, type ConnectValue, DataError, Schema, Struct } from "../../api/index.js";
import { schemaBasics } from "../record/schema-basics.js";

/** A field of a change event that becomes a header or a field: `[struct.]field[:name]`. */
export interface FieldReference {
  /** `source` or `transaction`; undefined: the event itself. */
  readonly parent: string | undefined;
  readonly field: string;
  /** The name of the header or field, with its prefix. */
  readonly name: string;
}

/** Where a reference leads in the events of one schema. */
export interface FoundField {
  readonly name: string;
  /** The field's own, made optional and without its default. */
  readonly schema: Schema;
  value(event: Struct): ConnectValue;
}

const OF_EVENT = ["op", "ts_ms", "ts_us", "ts_ns"];
const OF_TRANSACTION = ["id", "data_collection_order", "total_order"];

/** @param key the configuration key, for errors. @throws ConfigError */
export function parseReferences(key: string, texts: readonly string[], prefix: string): readonly FieldReference[] {
  return texts.map((text) => {
    const [path = "", alias, ...rest] = text.trim().split(":");
    const [first = "", second] = path.split(".");
    if (first === "" || rest.length > 0)
      throw new ConfigError(key, `Invalid value ${text} for configuration ${key}: Unexpected field name`);
    const field = second ?? first;
    const parent = second === undefined ? parentOf(field) : first;
    return { parent, field, name: prefix + (alias ?? (second === undefined ? field : `${first}_${field}`)) };
  });
}

/**
 * Finds the field in its struct, or else in the event itself, where another transformation may have put it.
 *
 * @returns undefined if there is none.
 * @throws DataError if the events lack the struct.
 */
export function findField({ parent, field, name }: FieldReference, event: Schema): FoundField | undefined {
  const holder = parent === undefined ? undefined : event.field(parent);
  if (parent !== undefined && holder === undefined)
    throw new DataError("VALUE_INVALID", `The event has no ${parent} to take the field ${field} from`);
  const nested = holder?.schema.field(field);
  if (holder && nested) {
    return {
      name,
      schema: optionalOf(nested.schema),
      value: (struct) => {
        const held = struct.at(holder.index);
        return held instanceof Struct ? held.at(nested.index) : null;
      },
    };
  }
  const own = event.field(field);
  return own && { name, schema: optionalOf(own.schema), value: (struct) => struct.at(own.index) };
}

function parentOf(field: string): string | undefined {
  if (OF_EVENT.includes(field)) return undefined;
  return OF_TRANSACTION.includes(field) ? "transaction" : "source";
}

function optionalOf(schema: Schema): Schema {
  const { type, fields, keySchema, valueSchema } = schema;
  return new Schema(type, { ...schemaBasics(schema), optional: true }, fields, keySchema, valueSchema);
}
