import { createHash } from "node:crypto";

const HASH_BYTES = 16;
const SLOT_BYTES = HASH_BYTES + 8;
/** Above this share of used slots, searches get too long. */
const MAX_LOAD = 0.9;

/**
 * The newest offset of each key of a compacted log, in bounded memory: an open-addressing table of the key's MD5 and
 * its offset (24 bytes a key; a Map of strings takes five times as much). Two keys with the same hash would lose a
 * record; with 128 bits that does not happen by chance.
 */
export class KeyOffsetMap {
  readonly #slots: Buffer;
  readonly #capacity: number;
  #size = 0;

  /** A map with room for `keys` keys, or as many as fit into `maxBytes` (log.cleaner.dedupe.buffer.size). */
  static forKeys(keys: number, maxBytes: number): KeyOffsetMap {
    return new KeyOffsetMap(Math.min(Math.ceil(keys / MAX_LOAD) + 1, Math.floor(maxBytes / SLOT_BYTES)));
  }

  private constructor(slots: number) {
    this.#capacity = Math.max(2, slots);
    this.#slots = Buffer.alloc(this.#capacity * SLOT_BYTES, 0xff);
  }

  /** Whether the map takes no new keys; the rest is left to another cleaning. */
  get isFull(): boolean {
    // One slot always stays free: it ends a search.
    return this.#size >= Math.min(this.#capacity * MAX_LOAD, this.#capacity - 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Sets the offset of `key`; callers go by rising offset. Returns false, and sets nothing, when there is no room. */
  put(key: Buffer, offset: number): boolean {
    const hash = hashOf(key);
    const at = this.#slotOf(hash);
    if (offsetAt(this.#slots, at) < 0) {
      if (this.isFull) return false;
      hash.copy(this.#slots, at);
      this.#size++;
    }
    this.#slots.writeInt32BE(Math.floor(offset / 2 ** 32), at + HASH_BYTES);
    this.#slots.writeUInt32BE(offset % 2 ** 32, at + HASH_BYTES + 4);
    return true;
  }

  /** The newest offset of `key`, -1 if it is not in the map. */
  get(key: Buffer): number {
    return offsetAt(this.#slots, this.#slotOf(hashOf(key)));
  }

  /** Position of the hash's slot, or of the free slot for it. */
  #slotOf(hash: Buffer): number {
    for (let slot = hash.readUInt32BE(0) % this.#capacity; ; slot = (slot + 1) % this.#capacity) {
      const at = slot * SLOT_BYTES;
      if (offsetAt(this.#slots, at) < 0) return at;
      if (this.#slots.compare(hash, 0, HASH_BYTES, at, at + HASH_BYTES) === 0) return at;
    }
  }
}

/** A free slot has all bits set: its offset reads as negative. */
function offsetAt(slots: Buffer, at: number): number {
  const high = slots.readInt32BE(at + HASH_BYTES);
  return high < 0 ? -1 : high * 2 ** 32 + slots.readUInt32BE(at + HASH_BYTES + 4);
}

function hashOf(key: Buffer): Buffer {
  return createHash("md5").update(key).digest();
}
