import type { ConnectValue } from "../struct.js";

/**
 * The iteration order of a java.util.HashMap whose keys were inserted in this order: by bucket, then by insertion, also
 * after the table has grown. Connect and Debezium on the JVM write maps in this order.
 *
 * @param keys strings, integers or booleans; the hash of any other key counts as 0.
 * @param capacity the table's size when it was made, a power of two.
 * @returns indexes into `keys`.
 */
export function javaHashOrder(keys: readonly ConnectValue[], capacity = 16): number[] {
  let buckets = capacity;
  while (keys.length > buckets * 0.75) buckets *= 2;
  const mask = buckets - 1;
  const placed = keys.map((key, at) => ({ at, bucket: spreadHash(key) & mask }));
  return placed.sort((a, b) => a.bucket - b.bucket).map(({ at }) => at);
}

function spreadHash(key: ConnectValue): number {
  const hash = typeof key === "string" ? stringHash(key) : numberHash(key);
  return hash ^ (hash >>> 16);
}

/** String.hashCode. */
function stringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
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
