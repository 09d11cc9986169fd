const SEED = 9001n;
const MASK = 0xffffffffffffffffn;

/**
 * The upper 32 bits of MurmurHash3's 128-bit variant for x64 in the form of Debezium and Infinispan: mixing constants
 * that change with each block, and a last block whose bytes are sign-extended.
 */
function murmurHash(bytes: Buffer): number {
  const state = {
    h1: 0x9368e53c2f6af274n ^ SEED,
    h2: 0x586dcd208f7cd3fdn ^ SEED,
    c1: 0x87c37b91114253d5n,
    c2: 0x4cf5ad432745937fn,
  };
  const whole = bytes.length - (bytes.length % 16);
  for (let at = 0; at < whole; at += 16) mix(state, bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8));
  if (whole < bytes.length) mix(state, lastWord(bytes, whole), lastWord(bytes, whole + 8));
  let h2 = state.h2 ^ BigInt(bytes.length);
  let h1 = (state.h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = (finished(h1) + finished(h2)) & MASK;
  return Number(BigInt.asIntN(32, h1 >> 32n));
}

/** Of a text's UTF-8, where a surrogate without its partner is a question mark. */
export function murmurTextHash(text: string): number {
  return murmurHash(Buffer.from(text.replace(/\p{Surrogate}/gu, "?"), "utf8"));
}

/** Of the hash code of any other object. */
export function murmurIntHash(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return murmurHash(bytes);
}

interface State {
  h1: bigint;
  h2: bigint;
  c1: bigint;
  c2: bigint;
}

function mix(state: State, word1: bigint, word2: bigint): void {
  const { c1, c2 } = state;
  const k1 = rotated((word1 * c1) & MASK, 23n) * c2;
  const h1 = ((state.h1 ^ (k1 & MASK)) + state.h2) & MASK;
  const k2 = rotated((word2 * c2) & MASK, 23n) * c1;
  const h2 = ((rotated(state.h2, 41n) ^ (k2 & MASK)) + h1) & MASK;
  state.h1 = (h1 * 3n + 0x52dce729n) & MASK;
  state.h2 = (h2 * 3n + 0x38495ab5n) & MASK;
  state.c1 = (c1 * 5n + 0x7b7d159cn) & MASK;
  state.c2 = (c2 * 5n + 0x6bce6396n) & MASK;
}

/** Up to eight bytes; a negative one flips all bits above it. */
function lastWord(bytes: Buffer, start: number): bigint {
  let word = 0n;
  for (let at = start; at < Math.min(start + 8, bytes.length); at++)
    word ^= BigInt(bytes.readInt8(at)) << BigInt(8 * (at - start));
  return BigInt.asUintN(64, word);
}

function rotated(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (64n - bits))) & MASK;
}

function finished(hash: bigint): bigint {
  let k = hash ^ (hash >> 33n);
  k = (k * 0xff51afd7ed558ccdn) & MASK;
  k ^= k >> 33n;
  k = (k * 0xc4ceb9fe1a85ec53n) & MASK;
  return k ^ (k >> 33n);
}
