import { DataError } from "../../errors.js";
import { type Field, LOGICAL, type Schema } from "../../schema.js";
import type { ConnectValue } from "../../struct.js";
import type { AvroDataSettings } from "../avro-data-settings.js";
import { type AvroField, type AvroRecord, type AvroSchema, avroFullName } from "../avro-schema.js";
import { isUnion, writtenFullName, writtenName } from "../connect-names.js";
import { avroDefaultBytes } from "./avro-default-bytes.js";

/** The ways to write a value. They are numbers because the writer's switch then compiles to a jump. */
export const WRITE = {
  int8: 0,
  int16: 1,
  int32: 2,
  int64: 3,
  float32: 4,
  float64: 5,
  boolean: 6,
  string: 7,
  bytes: 8,
  fixed: 9,
  enum: 10,
  array: 11,
  map: 12,
  /** A map as an array of entries. */
  entries: 13,
  record: 14,
  /** A struct whose fields are the branches of a union. */
  union: 15,
  /** A value without a schema, as the record Anything. */
  anything: 16,
} as const;

export type WriteKind = (typeof WRITE)[keyof typeof WRITE];

/**
 * Everything about writing a Connect schema as an Avro schema that does not depend on values. One class for all types:
 * a single hidden class keeps the writer's property accesses monomorphic.
 */
export class AvroWritePlan {
  /** The Schema object last found equal to `schema`: the next struct of it needs no comparison. */
  accepted: Schema | null;
  /** The union's branch of the value, or -1 outside unions. */
  valueBranch = -1;
  /** The union's branch null, or -1 if there is none. */
  nullBranch = -1;
  /** Written instead of null; null if there is no default. Only for fields, as in Connect. */
  fallback: ConnectValue = null;
  /** Of a record, in Avro's order; the branches of a union. */
  fields: readonly AvroWritePlan[] = [];
  /** Of each of `fields`: the field of the struct, or -1 for one that the struct lacks. */
  positions: readonly number[] = [];
  /** Written for a field that the struct lacks: Avro's default. */
  constant: Buffer | null = null;
  /** Fields of the struct that the record lacks: they must be null. */
  unwritten: readonly number[] = [];
  keys: AvroWritePlan | null = null;
  items: AvroWritePlan | null = null;
  /** Of a fixed. */
  size = 0;
  /** Whether bytes are a number, whose sign fills a larger fixed. */
  isDecimal = false;
  /** The indexes of an enum's symbols. */
  symbols: ReadonlyMap<string, number> | null = null;
  constructor(
    readonly schema: Schema | null,
    readonly kind: WriteKind,
  ) {
    this.accepted = schema;
  }
}

/**
 * Plans the writing of values of `schema` as `avro`, which may be the schema that `avroFromConnect` makes of it, or
 * another one that can hold its values: fields are found by name, and those that only `avro` has get its default.
 *
 * @param schema null for schemaless values.
 * @throws DataError SCHEMA_INVALID, naming the field, when `avro` cannot hold its values.
 */
export function planAvroWriting(schema: Schema | null, avro: AvroSchema, settings: AvroDataSettings): AvroWritePlan {
  return new Planning(settings).plan(schema, avro, "");
}

/** The fields of a record, planned once for all its uses. */
interface PlannedRecord {
  /** The fields of its structs. */
  readonly of: readonly Field[];
  readonly fields: AvroWritePlan[];
  readonly positions: number[];
  readonly unwritten: number[];
}

class Planning {
  /** A record may contain itself. */
  readonly #records = new Map<AvroRecord, readonly PlannedRecord[]>();

  constructor(private readonly settings: AvroDataSettings) {}

  /** @param path the field, for messages; empty at the top. */
  plan(schema: Schema | null, avro: AvroSchema, path: string): AvroWritePlan {
    if (schema === null) {
      if (avro.kind !== "record" || avro.name !== "Anything") throw unfit("a value without a schema", avro, path);
      return new AvroWritePlan(null, WRITE.anything);
    }
    if (schema.type === "struct" && isUnion(schema)) return this.#union(schema, avro, path);
    if (avro.kind !== "union") return this.#branch(schema, avro, path);
    const found = this.#fitting(schema, avro.branches, path);
    found.plan.valueBranch = found.branch;
    found.plan.nullBranch = avro.branches.findIndex((branch) => branch.kind === "null");
    return found.plan;
  }

  /** The first branch of the same name, or else the first that can hold the values. */
  #fitting(schema: Schema, branches: readonly AvroSchema[], path: string) {
    const isOwn = (branch: AvroSchema) =>
      branch.kind === "record" && schema.name !== undefined && avroFullName(branch) === this.#written(schema.name);
    const order = [...branches.keys()].sort((a, b) => Number(isOwn(branches[b]!)) - Number(isOwn(branches[a]!)));
    let refusal: unknown;
    for (const branch of order) {
      if (branches[branch]!.kind === "null") continue;
      try {
        return { branch, plan: this.#branch(schema, branches[branch]!, path) };
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal ?? unfit(schema.type.toUpperCase(), { kind: "union", branches }, path);
  }

  #union(schema: Schema, avro: AvroSchema, path: string): AvroWritePlan {
    if (avro.kind !== "union") throw unfit("a union", avro, path);
    const plan = new AvroWritePlan(schema, WRITE.union);
    plan.nullBranch = avro.branches.findIndex((branch) => branch.kind === "null");
    // Its own schema has the branches in the order of the fields; in any other one they are found by type.
    const branches = [...avro.branches.entries()].filter(([, branch]) => branch.kind !== "null");
    plan.fields = schema.fields.map((field) => {
      const where = `${path}${path && "."}${field.name}`;
      const own = branches[field.index];
      const { branch, plan: part } =
        own && kindOf(field.schema, own[1]) !== undefined
          ? { branch: own[0], plan: this.#branch(field.schema, own[1], where) }
          : this.#fitting(field.schema, avro.branches, where);
      part.valueBranch = branch;
      return part;
    });
    return plan;
  }

  #branch(schema: Schema, avro: AvroSchema, path: string): AvroWritePlan {
    const kind = kindOf(schema, avro);
    if (kind === undefined) throw unfit(schema.type.toUpperCase(), avro, path);
    const plan = new AvroWritePlan(schema, kind);
    if (avro.kind === "fixed") plan.size = avro.size;
    if (avro.kind === "enum") plan.symbols = new Map(avro.symbols.map((symbol, index) => [symbol, index]));
    plan.isDecimal = schema.name === LOGICAL.decimal;
    if (avro.kind === "map") plan.items = this.plan(schema.valueSchema!, avro.values, path);
    if (kind === WRITE.array && avro.kind === "array") plan.items = this.plan(schema.valueSchema!, avro.items, path);
    if (kind === WRITE.entries && avro.kind === "array") this.#entries(plan, schema, avro.items as AvroRecord, path);
    if (avro.kind === "record") this.#record(plan, schema, avro, path);
    return plan;
  }

  #entries(plan: AvroWritePlan, schema: Schema, entry: AvroRecord, path: string): void {
    plan.keys = this.#part(schema.keySchema!, entry.fields[0]!.schema, path);
    plan.items = this.#part(schema.valueSchema!, entry.fields[1]!.schema, path);
  }

  #record(plan: AvroWritePlan, schema: Schema, avro: AvroRecord, path: string): void {
    const shared = this.#records.get(avro)?.find(({ of }) => of === schema.fields);
    const planned = shared ?? { of: schema.fields, fields: [], positions: [], unwritten: [] };
    plan.fields = planned.fields;
    plan.positions = planned.positions;
    plan.unwritten = planned.unwritten;
    if (shared) return;
    const others = this.#records.get(avro) ?? [];
    this.#records.set(avro, [...others, planned]);
    try {
      this.#fields(planned, schema, avro, path);
    } catch (error) {
      this.#records.set(avro, others);
      throw error;
    }
  }

  #fields(planned: PlannedRecord, schema: Schema, avro: AvroRecord, path: string): void {
    const byName = new Map(schema.fields.map((field) => [writtenName(field.name, this.settings), field]));
    const sources = avro.fields.map(({ name, aliases }) =>
      [name, ...aliases].map((each) => byName.get(each)).find((found) => found !== undefined),
    );
    planned.positions.push(...sources.map((field) => field?.index ?? -1));
    const { positions } = planned;
    planned.unwritten.push(...schema.fields.map(({ index }) => index).filter((index) => !positions.includes(index)));
    for (const [i, target] of avro.fields.entries()) {
      const where = `${path}${path && "."}${target.name}`;
      const field = sources[i];
      planned.fields.push(
        field ? this.#part(field.schema, target.schema, where) : defaulted(target, avroFullName(avro), where),
      );
    }
  }

  /** A field's plan: as Struct.get, it writes the default instead of null. */
  #part(schema: Schema, avro: AvroSchema, path: string): AvroWritePlan {
    const plan = this.plan(schema, avro, path);
    const keepsNull = schema.optional && this.settings.ignoreDefaultForNullables;
    if (schema.hasDefault && !keepsNull) plan.fallback = schema.defaultValue as ConnectValue;
    return plan;
  }

  #written(name: string): string {
    return writtenFullName(name, this.settings);
  }
}

/** The plan of a field that the struct lacks. */
function defaulted({ schema, defaultValue }: AvroField, record: string, path: string): AvroWritePlan {
  if (defaultValue === undefined) {
    throw new DataError(
      "SCHEMA_INVALID",
      `The Avro schema ${record} needs field "${path}", which the record's schema lacks; give it a default`,
    );
  }
  const plan = new AvroWritePlan(null, WRITE.anything);
  plan.constant = avroDefaultBytes(schema, defaultValue);
  return plan;
}

function kindOf(schema: Schema, avro: AvroSchema): WriteKind | undefined {
  const { kind } = avro;
  switch (schema.type) {
    case "int8":
    case "int16":
    case "int32":
      if (kind === "int" || kind === "long") return WRITE[schema.type];
      return kind === "double" ? WRITE.float64 : undefined;
    case "int64":
      return kind === "long" ? WRITE.int64 : undefined;
    case "float32":
    case "float64":
      if (kind === "double") return WRITE.float64;
      return kind === "float" && schema.type === "float32" ? WRITE.float32 : undefined;
    case "boolean":
      return kind === "boolean" ? WRITE.boolean : undefined;
    case "string":
      if (kind === "enum") return WRITE.enum;
      return kind === "string" ? WRITE.string : undefined;
    case "bytes":
      if (kind === "fixed") return WRITE.fixed;
      return kind === "bytes" ? WRITE.bytes : undefined;
    case "array":
      return kind === "array" ? WRITE.array : undefined;
    case "map":
      if (kind === "map") return schema.keySchema?.type === "string" ? WRITE.map : undefined;
      return kind === "array" && isEntry(avro.items) ? WRITE.entries : undefined;
    case "struct":
      return kind === "record" ? WRITE.record : undefined;
  }
}

/** Whether a record is the entry of a map: its fields are `key` and `value`. */
function isEntry(schema: AvroSchema): schema is AvroRecord {
  return (
    schema.kind === "record" &&
    schema.fields.length === 2 &&
    schema.fields[0]!.name === "key" &&
    schema.fields[1]!.name === "value"
  );
}

function unfit(what: string, avro: AvroSchema, path: string): DataError {
  const where = path === "" ? "" : `, in field "${path}"`;
  const type = avro.kind === "record" ? avroFullName(avro) : avro.kind;
  return new DataError("SCHEMA_INVALID", `The Avro type ${type} cannot hold ${what}${where}`);
}
