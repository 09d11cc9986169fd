import { DataError } from "../../errors.js";
import type { Schema } from "../../schema.js";
import type { ConnectValue } from "../../struct.js";
import type { AvroDataSettings } from "../avro-data-settings.js";
import { branchName } from "../avro-parser.js";
import { type AvroRecord, type AvroSchema, type AvroUnion, avroFullName, isNamed } from "../avro-schema.js";
import { connectFromAvro, isAnything, isMapEntry, onlyBranch } from "../connect-from-avro.js";
import { defaultFromJson } from "../default-value.js";

/** The ways to read a value. They are numbers because the reader's switch then compiles to a jump. */
export const READ = {
  null: 0,
  boolean: 1,
  int: 2,
  /** An int8 or int16, whose range is checked. */
  smallInt: 3,
  long: 4,
  float: 5,
  double: 6,
  /** An int or long that the reader's schema has as a float or double. */
  whole: 7,
  string: 8,
  bytes: 9,
  /** A string that is bytes for the reader, and the reverse. */
  stringAsBytes: 10,
  bytesAsString: 11,
  fixed: 12,
  enum: 13,
  array: 14,
  map: 15,
  entries: 16,
  record: 17,
  /** One of the writer's branches. */
  union: 18,
  /** A branch of a union that is a struct in Connect. */
  wrapped: 19,
  anything: 20,
  /** A branch that the reader's schema does not have. */
  refused: 21,
} as const;

export type ReadKind = (typeof READ)[keyof typeof READ];

/** Everything about reading a writer's schema as a reader's that does not depend on values. */
export class AvroReadPlan {
  /** The fields of a record in the writer's order, or the branches of a union. */
  fields: AvroReadPlan[] = [];
  /** Of each of `fields`: the field of the struct, or -1 for one that the reader lacks. */
  positions: number[] = [];
  /** Values of a struct's fields that the writer lacks; null for the others. */
  defaults: ConnectValue[] = [];
  keys: AvroReadPlan | null = null;
  items: AvroReadPlan | null = null;
  /** Of a fixed; the bits of a small int; of a wrapped value the field. */
  size = 0;
  /** What each of the writer's symbols is for the reader; null: refused. */
  symbols: (string | null)[] = [];
  refusal: DataError | null = null;

  constructor(
    readonly kind: ReadKind,
    readonly schema: Schema | null,
  ) {}
}

/**
 * Plans the reading of what was written as `writer` into values of `schema`, by Avro's rules of schema resolution.
 *
 * @param reader the schema that `schema` was made of by `connectFromAvro`, the writer's own or another.
 * @throws DataError SCHEMA_INVALID when the reader's schema cannot read the writer's.
 */
export function planAvroReading(
  writer: AvroSchema,
  reader: AvroSchema,
  schema: Schema | null,
  settings: AvroDataSettings,
): AvroReadPlan {
  return new Planning(settings).plan(writer, reader, schema, "");
}

class Planning {
  /** A record may contain itself. */
  readonly #records = new Map<AvroRecord, { reader: AvroSchema; plan: AvroReadPlan }[]>();

  constructor(private readonly settings: AvroDataSettings) {}

  plan(writer: AvroSchema, reader: AvroSchema, schema: Schema | null, path: string): AvroReadPlan {
    if (writer.kind === "union") return this.#writtenUnion(writer, reader, schema, path);
    if (reader.kind === "union") return this.#readUnion(writer, reader, schema, path);
    if (isAnything(reader) && isAnything(writer)) return new AvroReadPlan(READ.anything, null);
    const kind = kindOf(writer, reader, schema);
    if (kind === undefined) throw unreadable(writer, reader, path);
    const plan = new AvroReadPlan(kind, schema);
    if (kind === READ.smallInt) plan.size = schema?.type === "int8" ? 8 : 16;
    if (writer.kind === "fixed" && reader.kind === "fixed") {
      if (writer.size !== reader.size || writer.name !== reader.name) throw unreadable(writer, reader, path);
      plan.size = writer.size;
    } else if (writer.kind === "enum" && reader.kind === "enum") {
      plan.symbols = writer.symbols.map((symbol) => {
        return reader.symbols.includes(symbol) ? symbol : (reader.defaultSymbol ?? null);
      });
    } else if (writer.kind === "map" && reader.kind === "map") {
      plan.items = this.plan(writer.values, reader.values, schema!.valueSchema!, path);
    } else if (writer.kind === "array" && reader.kind === "array") {
      if (kind === READ.entries) this.#entries(plan, writer.items, reader.items, schema!, path);
      else plan.items = this.plan(writer.items, reader.items, schema!.valueSchema!, path);
    } else if (writer.kind === "record" && reader.kind === "record") {
      return this.#record(plan, writer, reader, path);
    }
    return plan;
  }

  #entries(plan: AvroReadPlan, writer: AvroSchema, reader: AvroSchema, schema: Schema, path: string): void {
    if (writer.kind !== "record" || reader.kind !== "record" || writer.fields.length !== 2) {
      throw unreadable(writer, reader, path);
    }
    plan.keys = this.plan(writer.fields[0]!.schema, reader.fields[0]!.schema, schema.keySchema!, path);
    plan.items = this.plan(writer.fields[1]!.schema, reader.fields[1]!.schema, schema.valueSchema!, path);
  }

  #record(fresh: AvroReadPlan, writer: AvroRecord, reader: AvroRecord, path: string): AvroReadPlan {
    const earlier = this.#records.get(writer) ?? [];
    const shared = earlier.find((each) => each.reader === reader);
    const schema = fresh.schema!;
    const plan = fresh;
    if (shared) {
      plan.fields = shared.plan.fields;
      plan.positions = shared.plan.positions;
      plan.defaults = shared.plan.defaults;
      return plan;
    }
    this.#records.set(writer, [...earlier, { reader, plan }]);
    try {
      this.#fields(plan, writer, reader, schema, path);
    } catch (error) {
      this.#records.set(writer, earlier);
      throw error;
    }
    return plan;
  }

  #fields(plan: AvroReadPlan, writer: AvroRecord, reader: AvroRecord, schema: Schema, path: string): void {
    const taken = new Set<string>();
    for (const field of writer.fields) {
      const where = `${path}${path && "."}${field.name}`;
      const target = reader.fields.findIndex(
        ({ name, aliases }) => name === field.name || aliases.includes(field.name),
      );
      plan.positions.push(target);
      if (target < 0) {
        const skipped = connectFromAvro(nullableOf(field.schema), this.settings);
        plan.fields.push(this.plan(field.schema, field.schema, skipped, where));
        continue;
      }
      taken.add(reader.fields[target]!.name);
      plan.fields.push(this.plan(field.schema, reader.fields[target]!.schema, schema.fields[target]!.schema, where));
    }
    for (const [at, field] of reader.fields.entries()) {
      plan.defaults.push(null);
      if (taken.has(field.name)) continue;
      if (field.defaultValue === undefined) {
        const name = avroFullName(reader);
        throw new DataError(
          "SCHEMA_INVALID",
          `The reader's Avro schema ${name} has no default for field "${path}${path && "."}${field.name}", which the writer's lacks`,
        );
      }
      plan.defaults[at] = this.#default(schema.fields[at]!.schema, field.schema, field.defaultValue);
    }
  }

  #default(schema: Schema, avro: AvroSchema, json: Parameters<typeof defaultFromJson>[1]): ConnectValue {
    return json === null && avro.kind === "union" ? null : defaultFromJson(schema, json);
  }

  #writtenUnion(writer: AvroUnion, reader: AvroSchema, schema: Schema | null, path: string): AvroReadPlan {
    const plan = new AvroReadPlan(READ.union, schema);
    plan.fields = writer.branches.map((branch) => {
      try {
        return this.plan(branch, reader, schema, path);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        const refused = new AvroReadPlan(READ.refused, schema);
        refused.refusal = error;
        return refused;
      }
    });
    const refusals = plan.fields.filter(({ kind }) => kind === READ.refused);
    if (refusals.length === plan.fields.length && refusals[0]) throw refusals[0].refusal!;
    return plan;
  }

  /** Into the first branch of the same type and name, or else into the first that can read it. */
  #readUnion(writer: AvroSchema, reader: AvroUnion, schema: Schema | null, path: string): AvroReadPlan {
    if (writer.kind === "null" && reader.branches.some(({ kind }) => kind === "null"))
      return new AvroReadPlan(READ.null, schema);
    const candidates = reader.branches.filter(({ kind }) => kind !== "null");
    const exact = candidates.filter((branch) => branchName(branch) === branchName(writer));
    const alike = candidates.filter(
      (branch) => isNamed(branch) && isNamed(writer) && branch.kind === writer.kind && branch.name === writer.name,
    );
    const isOnly = onlyBranch(reader, this.settings) !== undefined;
    let refusal: unknown;
    for (const branch of new Set([...exact, ...alike, ...candidates])) {
      const at = candidates.indexOf(branch);
      try {
        if (isOnly) return this.plan(writer, branch, schema, path);
        const wrapped = new AvroReadPlan(READ.wrapped, schema);
        wrapped.size = at;
        wrapped.items = this.plan(writer, branch, schema!.fields[at]!.schema, path);
        return wrapped;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal ?? unreadable(writer, reader, path);
  }
}

/** For a field that is skipped: any schema may be null there, so that the type null is one, too. */
function nullableOf(schema: AvroSchema): AvroSchema {
  if (schema.kind !== "null") return schema;
  return { kind: "union", branches: [schema, { kind: "int", properties: new Map() }] };
}

function kindOf(writer: AvroSchema, reader: AvroSchema, schema: Schema | null): ReadKind | undefined {
  const type = schema?.type;
  switch (reader.kind) {
    case "null":
      return writer.kind === "null" ? READ.null : undefined;
    case "boolean":
      return writer.kind === "boolean" ? READ.boolean : undefined;
    case "int":
      if (writer.kind !== "int") return undefined;
      return type === "int8" || type === "int16" ? READ.smallInt : READ.int;
    case "long":
      if (writer.kind === "int") return READ.int;
      return writer.kind === "long" ? READ.long : undefined;
    case "float":
      if (writer.kind === "int" || writer.kind === "long") return READ.whole;
      return writer.kind === "float" ? READ.float : undefined;
    case "double":
      if (writer.kind === "int" || writer.kind === "long") return READ.whole;
      if (writer.kind === "float") return READ.float;
      return writer.kind === "double" ? READ.double : undefined;
    case "string":
      if (writer.kind === "bytes") return READ.bytesAsString;
      return writer.kind === "string" ? READ.string : undefined;
    case "bytes":
      if (writer.kind === "string") return READ.stringAsBytes;
      return writer.kind === "bytes" ? READ.bytes : undefined;
    case "fixed":
      return writer.kind === "fixed" ? READ.fixed : undefined;
    case "enum":
      return writer.kind === "enum" ? READ.enum : undefined;
    case "map":
      return writer.kind === "map" ? READ.map : undefined;
    case "array":
      if (writer.kind !== "array") return undefined;
      return isMapEntry(reader.items) ? READ.entries : READ.array;
    case "record":
      return writer.kind === "record" ? READ.record : undefined;
    case "union":
      return undefined;
  }
}

function unreadable(writer: AvroSchema, reader: AvroSchema, path: string): DataError {
  const where = path === "" ? "" : `, in field "${path}"`;
  return new DataError(
    "SCHEMA_INVALID",
    `The reader's Avro schema has ${typeName(reader)} where the writer's has ${typeName(writer)}${where}`,
  );
}

function typeName(schema: AvroSchema): string {
  return schema.kind === "union" ? "a union" : branchName(schema);
}
