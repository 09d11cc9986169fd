import { type ConnectValue, type Schema, Struct } from "../../../src/api/index.js";

/**
 * The value with its maps in the order in which a java.util.HashMap would list them, filled in the order given: that
 * is what Connect's converters build on the JVM, so that is the order of keys in the original's objects. Struct fields
 * keep the order of their schema. A value without maps is handed back as it is.
 */
export function inJavaOrder(schema: Schema | null, value: ConnectValue): ConnectValue {
  if (schema !== null && !holdsMaps(schema)) return value;
  if (value instanceof Struct) {
    const { fields } = value.schema;
    return new Struct(
      value.schema,
      value.values.map((item, i) => inJavaOrder(fields[i]!.schema, item)),
    );
  }
  if (value instanceof Map) {
    const map = value as ReadonlyMap<ConnectValue, ConnectValue>;
    return new Map(
      [...sorted(map)].map(([key, item]) => [key, inJavaOrder(schema?.valueSchema ?? null, item)] as const),
    );
  }
  if (Array.isArray(value)) {
    return (value as readonly ConnectValue[]).map((item) => inJavaOrder(schema?.valueSchema ?? null, item));
  }
  return value;
}

const mapHolders = new WeakMap<Schema, boolean>();

function holdsMaps(schema: Schema): boolean {
  let holds = mapHolders.get(schema);
  if (holds === undefined) {
    // Set first, so that a schema that contains itself comes to an end.
    mapHolders.set(schema, true);
    holds =
      schema.type === "map" ||
      schema.fields.some((field) => holdsMaps(field.schema)) ||
      (schema.valueSchema !== undefined && holdsMaps(schema.valueSchema));
    mapHolders.set(schema, holds);
  }
  return holds;
}

/** By bucket, and within a bucket as filled: growing a table keeps that order. */
function sorted(map: ReadonlyMap<ConnectValue, ConnectValue>): [ConnectValue, ConnectValue][] {
  const entries = [...map];
  if (entries.length < 2) return entries;
  let buckets = 16;
  while (entries.length > buckets * 0.75) buckets *= 2;
  const mask = buckets - 1;
  const placed = entries.map((entry) => ({ entry, bucket: spreadHash(entry[0]) & mask }));
  return placed.sort((a, b) => a.bucket - b.bucket).map(({ entry }) => entry);
}

function spreadHash(key: ConnectValue): number {
  const hash = typeof key === "string" ? stringHash(key) : numberHash(key);
  return hash ^ (hash >>> 16);
}

const MAX_KNOWN_HASHES = 10_000;
const knownHashes = new Map<string, number>();

/** String.hashCode. */
function stringHash(text: string): number {
  let hash = knownHashes.get(text);
  if (hash !== undefined) return hash;
  hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  if (knownHashes.size >= MAX_KNOWN_HASHES) knownHashes.clear();
  knownHashes.set(text, hash);
  return hash;
}

/** Integer.hashCode and Long.hashCode, which agree for small numbers that are not negative; Boolean.hashCode. */
function numberHash(key: ConnectValue): number {
  if (typeof key === "number" && Number.isInteger(key))
    return Math.abs(key) < 2 ** 31 ? key | 0 : longHash(BigInt(key));
  if (typeof key === "bigint") return longHash(key);
  if (typeof key === "boolean") return key ? 1231 : 1237;
  return 0;
}

function longHash(key: bigint): number {
  return Number(BigInt.asIntN(32, key ^ (key >> 32n)));
}
