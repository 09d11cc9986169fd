import { createHash } from "node:crypto";

const HASH_BYTES = 16;
const SLOT_BYTES = HASH_BYTES + 8;
/** Beyond this share of filled slots, finding a free one takes too long. */
const MAX_LOAD = 0.9;

/**
 * The newest offset of each key of a compacted log, in a fixed amount of memory: MD5 of the key and the offset, in a
 * table with open addressing (24 bytes a key; a Map of strings takes five times as much). Two keys with one hash would
 * lose a record; with 128 bits that does not happen by chance.
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

  /** No more keys should be added: what follows is left for another pass. */
  get isFull(): boolean {
    // One slot stays free whatever happens: a search ends there.
    return this.#size >= Math.min(this.#capacity * MAX_LOAD, this.#capacity - 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Notes that `key` stands at `offset`; offsets come in rising order. Returns false, noting nothing, if there is no room. */
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

  /** The newest offset of `key`, -1 when it is not known. */
  get(key: Buffer): number {
    return offsetAt(this.#slots, this.#slotOf(hashOf(key)));
  }

  /** Where the hash stands, or the free slot where it would. */
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
