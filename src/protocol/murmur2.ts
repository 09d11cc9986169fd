const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Murmur2 of a key, 32 bits signed, as Java's producer computes it. */
export function murmur2(key: Uint8Array): number {
  const length = key.length;
  const wordsEnd = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < wordsEnd; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    word = Math.imul(word, MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const left = length & 3;
  if (left === 3) hash ^= key[wordsEnd + 2]! << 16;
  if (left >= 2) hash ^= key[wordsEnd + 1]! << 8;
  if (left >= 1) hash = Math.imul(hash ^ key[wordsEnd]!, MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition that Java's default partitioner chooses for a record with this key. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
