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

/** A schema and its values by position: `values[field.index]`. */
export class Struct {
  /** @param values one per field of `schema`, null where there is none; kept, not copied. */
  constructor(
    readonly schema: Schema,
    readonly values: ConnectValue[],
  ) {}

  /** The value of a field, or the field's default where the value is null. */
  get(name: string): ConnectValue {
    const field = this.schema.field(name);
    if (!field) throw new DataError("VALUE_INVALID", `${name} is not a valid field name`);
    const value = this.values[field.index] ?? null;
    return value === null && field.schema.hasDefault ? (field.schema.defaultValue as ConnectValue) : value;
  }
}
