import {
  ArrayStruct,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Props,
  parseConfig,
  type Schema,
  Struct,
  structOf,
  type Transformation,
  withAttributes,
} from "../../api/index.js";
import { fieldValue } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { type PlainMap, requireMap, requireStruct } from "../record/value-shape.js";

const CONFIG = {
  delimiter: {
    type: "string",
    default: ".",
    importance: "medium",
    doc: "What stands between the names of the fields that make the name of a field of the result.",
  },
} as const;
const PURPOSE = "flattening";

/** Makes one level of nested structs or maps, whose field names are joined. */
export class Flatten implements Transformation {
  readonly config = CONFIG;
  #delimiter = ".";
  readonly #schemas = new PerSchema((schema) => this.#flattened(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    this.#delimiter = parseConfig(CONFIG, props).delimiter;
  }

  apply(record: ConnectRecord): ConnectRecord {
    const value = this.part.value(record);
    if (value === null) return record;
    const schema = this.part.schema(record);
    if (!schema) {
      const flat = new Map<ConnectValue, ConnectValue>();
      this.#collectEntries(requireMap(value, PURPOSE), "", flat);
      return this.part.replaced(record, null, flat);
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const flat = this.#schemas.of(struct.schema);
    const values: ConnectValue[] = [];
    collectValues(struct.schema, struct, values);
    return this.part.replaced(record, flat, new ArrayStruct(flat, values));
  }

  #flattened(schema: Schema): Schema {
    const fields: [string, Schema][] = [];
    this.#collectFields(schema, "", schema.optional, schema.hasDefault ? schema.defaultValue : null, fields);
    return structOf(fields, schemaBasics(schema));
  }

  /** @param isOptional a parent is optional. @param standIn the default of the parent, if any. */
  #collectFields(
    schema: Schema,
    prefix: string,
    isOptional: boolean,
    standIn: unknown,
    fields: [string, Schema][],
  ): void {
    for (const { name, schema: field, index } of schema.fields) {
      const path = this.#joined(prefix, name);
      const optional = isOptional || field.optional;
      const inherited = standIn instanceof Struct ? standIn.at(index) : null;
      const defaultValue = (field.hasDefault ? field.defaultValue : null) ?? inherited;
      if (field.type === "struct") this.#collectFields(field, path, optional, defaultValue, fields);
      else if (field.type === "map") throw unsupported("MAP", "with schemas", path);
      else fields.push([path, leaf(field, optional, defaultValue)]);
    }
  }

  #collectEntries(map: PlainMap, prefix: string, flat: Map<ConnectValue, ConnectValue>): void {
    for (const [key, value] of map) {
      const path = this.#joined(prefix, String(key));
      if (value instanceof Struct) throw unsupported("STRUCT", "without schemas", path);
      if (value instanceof Map) this.#collectEntries(value, path, flat);
      else flat.set(path, value);
    }
  }

  #joined(prefix: string, name: string): string {
    return prefix === "" ? name : prefix + this.#delimiter + name;
  }
}

function leaf(schema: Schema, optional: boolean, defaultValue: unknown): Schema {
  return withAttributes(schema, { optional, ...(defaultValue !== null && { defaultValue }) });
}

/** In the order of the flattened schema's fields. */
function collectValues(schema: Schema, struct: Struct | null, values: ConnectValue[]): void {
  for (const { schema: field, index } of schema.fields) {
    const value = struct ? fieldValue(struct, index, true) : null;
    if (field.type === "struct") collectValues(field, value === null ? null : (value as Struct), values);
    else values.push(value);
  }
}

function unsupported(type: string, mode: string, path: string): DataError {
  return new DataError(
    "VALUE_INVALID",
    `Flatten transformation does not support ${type} for record ${mode} (for field ${path}).`,
  );
}
