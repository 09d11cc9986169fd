import { type ConnectValue, decimalScale, LOGICAL, type Schema, type SchemaType } from "../../api/index.js";
import { ByteSlab } from "../../api/values/byte-slab.js";
import { FixedText, writeByte, writeString } from "./json-text-writer.js";

/** The ways to write a value. They are numbers because the writer's switch then compiles to a jump. */
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
  /** By the value's own type. */
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
/** Kinds whose values `===` compares exactly. Not floats, because 0 === -0. */
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
 * Everything about writing a schema that does not depend on values. One class for all types: a single hidden class
 * keeps the writer's property accesses monomorphic.
 */
export class JsonPlan {
  constructor(
    readonly schema: Schema | null,
    readonly kind: Kind,
    /** Written instead of null; null if there is no default. */
    readonly fallback: ConnectValue,
    readonly nullable: boolean,
    /** The fields of a struct, in order. */
    readonly fields: readonly JsonPlan[],
    /** The text before this field's value in its struct: `{"name":` for the first field, `,"name":` for the others. */
    readonly prefix: FixedText,
    readonly keys: JsonPlan | null,
    readonly items: JsonPlan | null,
    /** The scale of a Decimal. */
    readonly scale: number,
  ) {
    this.accepted = schema;
    this.prefixedNull = new FixedText(Buffer.concat([prefix.bytes, NULL]));
    this.repeats = REPEATING.has(kind);
  }

  /** The Schema object last found equal to `schema`: the next struct of it needs no comparison. */
  accepted: Schema | null;

  /** The prefix followed by `null`. */
  readonly prefixedNull: FixedText;

  /**
   * Many columns repeat their value from record to record (a connector's name, a table, the time of a transaction).
   * While this is true, the last value is kept and, once it has repeated several times, its text with the prefix.
   */
  repeats: boolean;
  /** Changes left before `repeats` is turned off for good, because comparing costs, too. */
  credit = MOST_CREDIT;
  repetitions = 0;
  lastValue: ConnectValue | undefined;
  lastText: FixedText | null = null;
}

/**
 * Plans the writing of `schema`; null for schemaless values.
 * @throws DataError SCHEMA_INVALID for a Decimal without scale.
 */
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

/** As in Connect, the name of a logical type decides alone. */
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
