import { type ConnectValue, Float64, type Schema, Struct } from "../../api/index.js";

/** Whether two values of one schema are equal, in Java's sense: NaN equals itself, and 0.0 differs from -0.0. */
export function isEqual(schema: Schema | null, one: ConnectValue, other: ConnectValue): boolean {
  if (one === other) return one !== 0 || Object.is(one, other) || !isFloat(schema);
  if (one === null || other === null) return false;
  if (one instanceof Float64 || other instanceof Float64) return Object.is(numberOf(one), numberOf(other));
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  if (one instanceof Struct) return other instanceof Struct && areStructsEqual(one, other);
  if (Array.isArray(one)) {
    const [items, others]: readonly ConnectValue[][] = [one, Array.isArray(other) ? other : []];
    if (!Array.isArray(other) || items!.length !== others!.length) return false;
    return items!.every((item, at) => isEqual(schema?.valueSchema ?? null, item, others![at]!));
  }
  if (one instanceof Map) {
    if (!(other instanceof Map) || one.size !== other.size) return false;
    return [...one].every(
      ([key, value]) => other.has(key) && isEqual(schema?.valueSchema ?? null, value, other.get(key)!),
    );
  }
  if (typeof one === "bigint" || typeof other === "bigint") return String(one) === String(other);
  return Object.is(one, other);
}

function areStructsEqual(one: Struct, other: Struct): boolean {
  return (
    one.schema.fields.length === other.schema.fields.length &&
    one.schema.fields.every(({ name, index, schema }) => {
      const field = other.schema.field(name);
      return field !== undefined && isEqual(schema, one.at(index), other.at(field.index));
    })
  );
}

function isFloat(schema: Schema | null): boolean {
  return schema?.type === "float32" || schema?.type === "float64";
}

function numberOf(value: ConnectValue): ConnectValue {
  return value instanceof Float64 ? value.value : value;
}
