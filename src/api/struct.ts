import { DataError } from "./errors.js";
import type { Schema } from "./schema.js";

/** A FLOAT64 without a schema whose value is a whole number: a plain number there would be taken for an INT64. */
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
 * | none | null, boolean, string, Buffer, array, Map with string keys; integers as number or bigint, floats as a number with a fraction or Float64 |
 *
 * null stands for no value, wherever the schema allows it.
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

// Found by this key and not by the class alone: a plugin may carry its own copy of this package.
const STRUCT = Symbol.for("millrace.struct");

/**
 * A struct's schema and its values by position. What holds the values is the subclass's own affair: an array
 * (`ArrayStruct`), or bytes of a row that are decoded when somebody asks. Readers ask for each value once, in order
 * where they can. `value instanceof Struct` is true for a struct of any copy of this package.
 */
export abstract class Struct {
  /** A schema of type struct. */
  abstract readonly schema: Schema;

  /**
   * The value of the field at `index` (`field.index`), null where there is none or no such field.
   * @throws DataError when the value is decoded only now and cannot be.
   */
  abstract at(index: number): ConnectValue;

  /** The value of a field, or the field's default where the value is null. @throws DataError VALUE_INVALID for no such field. */
  get(name: string): ConnectValue {
    const field = this.schema.field(name);
    if (!field) throw new DataError("VALUE_INVALID", `${name} is not a valid field name`);
    const value = this.at(field.index);
    return value === null && field.schema.hasDefault ? (field.schema.defaultValue as ConnectValue) : value;
  }

  static [Symbol.hasInstance](value: unknown): value is Struct {
    if (typeof value !== "object" || value === null || !(STRUCT in value)) return false;
    // `instanceof` a subclass means that very class.
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this method.
    return this === Struct || Object.prototype.isPrototypeOf.call(this.prototype, value);
  }
}
Object.defineProperty(Struct.prototype, STRUCT, { value: true });

/** A struct over an array of values. */
export class ArrayStruct extends Struct {
  /** @param values one per field of `schema`, null where there is none; kept, not copied. */
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
