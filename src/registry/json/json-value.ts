/** A number as its text in the source: schemas are compared and hashed byte by byte. */
export class JsonNumber {
  constructor(readonly literal: string) {}

  get isInteger(): boolean {
    return /^-?\d+$/.test(this.literal);
  }
}

/** A JSON value whose objects keep the order of their keys, also of keys such as "1", and whose numbers keep their text. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Equality of values; the order of keys does not matter. */
export function isSameJson(one: Json, other: Json): boolean {
  if (one instanceof JsonNumber) return other instanceof JsonNumber && one.literal === other.literal;
  if (isArray(one)) {
    return isArray(other) && one.length === other.length && one.every((item, at) => isSameJson(item, other[at]!));
  }
  if (!isObject(one)) return one === other;
  if (!isObject(other) || one.size !== other.size) return false;
  return [...one].every(([key, value]) => {
    const against = other.get(key);
    return against !== undefined && isSameJson(value, against);
  });
}

/** The value with the keys of all objects sorted as Java sorts texts. */
export function sortedJson(value: Json): Json {
  if (isArray(value)) return value.map(sortedJson);
  if (!isObject(value)) return value;
  return new Map(
    [...value].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, item]) => [key, sortedJson(item)]),
  );
}
