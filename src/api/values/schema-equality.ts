import type { Schema } from "../schema.js";
import { Struct } from "../struct.js";

/** Pairs of fields that a comparison has met: a schema may contain itself. One difference anywhere ends it. */
type Met = Map<Schema["fields"], Set<Schema["fields"]>>;

/** Connect's equality of schemas: all attributes count, including documentation and parameters. */
export function sameSchema(one: Schema, other: Schema, met: Met = new Map()): boolean {
  if (one === other) return true;
  return (
    one.type === other.type &&
    one.optional === other.optional &&
    one.name === other.name &&
    one.version === other.version &&
    one.doc === other.doc &&
    one.hasDefault === other.hasDefault &&
    sameDefault(one.defaultValue, other.defaultValue) &&
    sameParameters(one.parameters, other.parameters) &&
    sameFields(one, other, met) &&
    samePart(one.keySchema, other.keySchema, met) &&
    samePart(one.valueSchema, other.valueSchema, met)
  );
}

function samePart(one: Schema | undefined, other: Schema | undefined, met: Met): boolean {
  return one === other || (one !== undefined && other !== undefined && sameSchema(one, other, met));
}

/** Whether two struct schemas have equal fields in the same order. */
export function sameFields(one: Schema, other: Schema, met: Met = new Map()): boolean {
  if (one.fields === other.fields) return true;
  const metWith = met.get(one.fields) ?? new Set();
  if (metWith.has(other.fields)) return true;
  met.set(one.fields, metWith.add(other.fields));
  return (
    one.fields.length === other.fields.length &&
    one.fields.every((field, i) => {
      const twin = other.fields[i]!;
      return field.name === twin.name && sameSchema(field.schema, twin.schema, met);
    })
  );
}

export function sameParameters(one: Schema["parameters"], other: Schema["parameters"]): boolean {
  if (!one || !other) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

function sameDefault(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  if (typeof one === "bigint" || typeof other === "bigint")
    return isNumeric(one) && isNumeric(other) && String(one) === String(other);
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((item, i) => sameDefault(item, other[i]));
  if (one instanceof Map)
    return (
      other instanceof Map &&
      one.size === other.size &&
      [...one].every(([key, value]) => other.has(key) && sameDefault(value, other.get(key)))
    );
  return (
    one instanceof Struct &&
    other instanceof Struct &&
    sameSchema(one.schema, other.schema) &&
    one.schema.fields.every(({ index }) => sameDefault(one.at(index), other.at(index)))
  );
}

function isNumeric(value: unknown): boolean {
  return typeof value === "bigint" || typeof value === "number";
}
