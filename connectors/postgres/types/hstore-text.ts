import { notA } from "./number-text.js";

const PAIR = /\s*"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|(NULL))\s*(,|$)/suy;

/** Parses hstore's text, `"a"=>"1", "b"=>NULL`, in its order. */
export function parseHstore(text: string): Map<string, string | null> {
  const pairs = new Map<string, string | null>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const found = PAIR.exec(text);
    if (!found) throw notA("an hstore");
    pairs.set(unescaped(found[1]!), found[3] ? null : unescaped(found[2]!));
  }
  return pairs;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gsu, "$1");
}

/** The order in which a Java HashMap of these keys, filled in this order, is walked. */
export function inHashOrder(pairs: ReadonlyMap<string, string | null>): [string, string | null][] {
  let capacity = 16;
  while (pairs.size > capacity * 0.75) capacity *= 2;
  const buckets = new Map<number, [string, string | null][]>();
  for (const [key, value] of pairs) {
    const hash = hashOf(key);
    const bucket = (hash ^ (hash >>> 16)) & (capacity - 1);
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), [key, value]]);
  }
  return [...buckets].sort(([a], [b]) => a - b).flatMap(([, entries]) => entries);
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
