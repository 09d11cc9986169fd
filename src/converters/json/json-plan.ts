import { type ConnectValue, LOGICAL, type Schema, type SchemaType } from "../../api/index.js";
import { decimalScale } from "../decimal-scale.js";
import { ByteSlab } from "./byte-slab.js";
import { FixedText, writeByte, writeString } from "./json-text-writer.js";

/** How values of one schema are written. Numbers, so that the writer's switch compiles to a jump. */
export const KIND = {
  int8: 0,
  int16: 1,
  int32: 2,
  int64: 3,
  float32: 4,
  float64: 5,
  boolean: 6,
  string: 7,
  bytes: 8,
  decimalText: 9,
  array: 10,
  objectMap: 11,
  pairMap: 12,
  struct: 13,
  /** Whatever the value is. */
  schemaless: 14,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

export interface JsonFormat {
  /** decimal.format=NUMERIC. */
  readonly decimalsAsNumbers: boolean;
  /** replace.null.with.default. */
  readonly replaceNullWithDefault: boolean;
}

const NOTHING = FixedText.of("");
const NULL = Buffer.from("null");
/** Kinds whose values are the same when `===` says so; floats are not among them, for 0 === -0. */
const REPEATING: ReadonlySet<Kind> = new Set([
  KIND.int8,
  KIND.int16,
  KIND.int32,
  KIND.int64,
  KIND.boolean,
  KIND.string,
]);

export const MOST_CREDIT = 200;

/**
 * What can be worked out about writing a schema before the first value comes, as one class for all types: one hidden
 * class keeps the writer's property accesses monomorphic.
 */
export class JsonPlan {
  constructor(
    readonly schema: Schema | null,
    readonly kind: Kind,
    /** In place of null; null where there is none. */
    readonly fallback: ConnectValue,
    readonly nullable: boolean,
    /** Of a struct, in order. */
    readonly fields: readonly JsonPlan[],
    /** Of the struct this is a field of: `{"name":` of the first, `,"name":` of the others. */
    readonly prefix: FixedText,
    readonly keys: JsonPlan | null,
    readonly items: JsonPlan | null,
    /** Of a Decimal. */
    readonly scale: number,
  ) {
    this.accepted = schema;
    this.prefixedNull = new FixedText(Buffer.concat([prefix.bytes, NULL]));
    this.repeats = REPEATING.has(kind);
  }

  /** The last schema other than `schema` that turned out to be the same. */
  accepted: Schema | null;

  /** The prefix and `null`. */
  readonly prefixedNull: FixedText;

  /**
   * Many columns hold the same value in record after record (a connector's name, a table, the time of a transaction):
   * the value of the record before and, once it has come several times, the prefix and the value as written.
   */
  repeats: boolean;
  /** Misses it may still have; without any the field is taken for one that changes, for good: looking costs, too. */
  credit = MOST_CREDIT;
  repetitions = 0;
  lastValue: ConnectValue | undefined;
  lastText: FixedText | null = null;
}

/** Plans the writing of `schema`; null: of whatever comes. @throws DataError SCHEMA_INVALID for a Decimal without a scale. */
export function planJson(schema: Schema | null, format: JsonFormat, prefix: FixedText = NOTHING): JsonPlan {
  if (schema === null) return new JsonPlan(null, KIND.schemaless, null, true, [], prefix, null, null, 0);
  const fallback = format.replaceNullWithDefault ? (schema.defaultValue as ConnectValue) : null;
  const kind = kindOf(schema, format);
  return new JsonPlan(
    schema,
    kind,
    fallback,
    schema.optional,
    schema.fields.map((field, i) => planJson(field.schema, format, fieldPrefix(field.name, i))),
    prefix,
    schema.keySchema ? planJson(schema.keySchema, format) : null,
    schema.type === "array" || schema.type === "map" ? planJson(schema.valueSchema ?? null, format) : null,
    kind === KIND.decimalText ? decimalScale(schema) : 0,
  );
}

/** Chosen by the schema's name alone where that is a logical type's, as Connect does. */
function kindOf(schema: Schema, format: JsonFormat): Kind {
  switch (schema.name) {
    case LOGICAL.decimal:
      return format.decimalsAsNumbers ? KIND.decimalText : KIND.bytes;
    case LOGICAL.date:
    case LOGICAL.time:
      return KIND.int32;
    case LOGICAL.timestamp:
      return KIND.int64;
  }
  if (schema.type === "map") return schema.keySchema?.type === "string" ? KIND.objectMap : KIND.pairMap;
  return KIND[schema.type satisfies Exclude<SchemaType, "map">];
}

function fieldPrefix(name: string, index: number): FixedText {
  const slab = new ByteSlab();
  writeByte(slab, index === 0 ? 0x7b : 0x2c);
  writeString(slab, name);
  writeByte(slab, 0x3a);
  return new FixedText(Buffer.from(slab.finish()));
}
