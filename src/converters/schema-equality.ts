import type { Schema } from "../api/index.js";

/** Connect's equality of schemas: all attributes count, including documentation and parameters. */
export function sameSchema(one: Schema, other: Schema): boolean {
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
    sameFields(one, other) &&
    samePart(one.keySchema, other.keySchema) &&
    samePart(one.valueSchema, other.valueSchema)
  );
}

function samePart(one: Schema | undefined, other: Schema | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && sameSchema(one, other));
}

function sameFields(one: Schema, other: Schema): boolean {
  return (
    one.fields.length === other.fields.length &&
    one.fields.every((field, i) => {
      const twin = other.fields[i]!;
      return field.name === twin.name && sameSchema(field.schema, twin.schema);
    })
  );
}

function sameParameters(one: Schema["parameters"], other: Schema["parameters"]): boolean {
  if (!one || !other) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/** Defaults are nearly always scalars; compound ones are equal only if they are the same object. */
function sameDefault(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  return Buffer.isBuffer(one) && Buffer.isBuffer(other) && one.equals(other);
}
