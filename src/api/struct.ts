import { DataError } from "./errors.js";
import type { Schema } from "./schema.js";

/** A whole-numbered FLOAT64 without a schema: a plain number would be read as an INT64. */
export class Float64 {
  constructor(readonly value: number) {}
}

/**
 * A value in Connect's data model.
 *
 * | schema | value |
 * |---|---|
 * | int8, int16, int32 | number |
 * | int64 | number when safe (below 2^53), otherwise bigint; readers take both |
 * | float32, float64 | number, also NaN and the infinities |
 * | boolean, string | boolean, string |
 * | bytes, Decimal | Buffer (Decimal: the unscaled value, big-endian two's complement) |
 * | Date, Time, Timestamp | number: days, ms of the day, ms since 1970 |
 * | array | array of item values |
 * | map | Map |
 * | struct | Struct |
 * | none | null, boolean, string, Buffer, array, Map with string keys; integers as number or bigint, floats as a number
 * with a fraction or Float64 |
 *
 * null stands for no value, where the schema allows it.
 */
export type ConnectValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Float64
  | Struct
  | readonly ConnectValue[]
  | ReadonlyMap<ConnectValue, ConnectValue>;

// Identified by this key rather than by the class alone: a plugin may bundle its own copy of this package.
const STRUCT = Symbol.for("millrace.struct");

/**
 * A struct: its schema, and its values by position. Subclasses store the values in their own way: in an array
 * (`ArrayStruct`), or as the bytes of a row, decoded on access. Readers should access each value once, in order where
 * possible. `value instanceof Struct` is true for a struct from any copy of this package.
 */
export abstract class Struct {
  /** A schema of type struct. */
  abstract readonly schema: Schema;

  /**
   * The value of the field at `index` (`field.index`); null when it has none, or there is no such field.
   * @throws DataError when the value is decoded on access and is invalid.
   */
  abstract at(index: number): ConnectValue;

  /**
   * The value of a field, or its default if the value is null.
   * @throws DataError VALUE_INVALID if there is no such field.
   */
  get(name: string): ConnectValue {
    const field = this.schema.field(name);
    if (!field) throw new DataError("VALUE_INVALID", `${name} is not a valid field name`);
    const value = this.at(field.index);
    return value === null && field.schema.hasDefault ? (field.schema.defaultValue as ConnectValue) : value;
  }

  static [Symbol.hasInstance](value: unknown): value is Struct {
    if (typeof value !== "object" || value === null || !(STRUCT in value)) return false;
    // For a subclass, `instanceof` keeps its ordinary meaning.
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this method.
    return this === Struct || Object.prototype.isPrototypeOf.call(this.prototype, value);
  }
}
Object.defineProperty(Struct.prototype, STRUCT, { value: true });

/** A struct backed by an array of values. */
export class ArrayStruct extends Struct {
  /** @param values one per field of `schema`, null where there is none. Not copied. */
  constructor(
    readonly schema: Schema,
    private readonly values: readonly ConnectValue[],
  ) {
    super();
  }

  at(index: number): ConnectValue {
    return this.values[index] ?? null;
  }
}
