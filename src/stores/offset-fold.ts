import type { SourceMap, SourceOffset } from "../api/index.js";
import { type ExactJson, parseExactJson, sourceMapKey, writeExactJson } from "../base/exact-json.js";
import type { StoredRecord, StoreRecord } from "./log-transport.js";

interface StoredOffset {
  readonly partition: SourceMap;
  readonly offset: SourceMap;
  /** The key bytes of the newest record: another writer may have ordered the members differently. */
  readonly keyBytes: Buffer;
  /** Other keys of the same partition with an offset in the topic, from writers of both orders. */
  readonly olderKeys: readonly Buffer[];
}

/**
 * The fold of the offsets topic: connector, then source partition, to offset. Partitions are compared by content, not
 * by bytes: a Java worker writes their members in its map's order, and `{"a":1,"b":2}` equals `{"b":2,"a":1}`. (I6)
 */
export class OffsetFold {
  readonly #connectors = new Map<string, Map<string, StoredOffset>>();

  /** Folds one record. Returns why the record is ignored, if it is. */
  apply(record: StoredRecord): string | undefined {
    if (record.key === null) return "it has no key";
    let key: ExactJson;
    let offset: ExactJson;
    try {
      key = parseExactJson(record.key.toString());
      offset = record.value === null ? null : parseExactJson(record.value.toString());
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return "it is not JSON";
    }
    if (!Array.isArray(key) || key.length !== 2) return "its key is not [connector, partition]";
    const [connector, partition] = key as [ExactJson, ExactJson];
    if (typeof connector !== "string") return "its key is not [connector, partition]";
    // Connect itself skips null partitions, which some old connectors wrote.
    if (!isSourceMap(partition)) return partition === null ? undefined : "its partition is not a flat object";
    const partitions = this.#connectors.get(connector) ?? new Map<string, StoredOffset>();
    const id = sourceMapKey(partition);
    const known = partitions.get(id);
    const keyBytes = Buffer.from(record.key);
    const olderKeys = known ? [known.keyBytes, ...known.olderKeys].filter((key) => !key.equals(keyBytes)) : [];
    if (offset === null) {
      if (known?.keyBytes.equals(keyBytes)) partitions.delete(id);
      else if (known) partitions.set(id, { ...known, olderKeys: olderKeys.slice(1) });
      return undefined;
    }
    if (!isSourceMap(offset)) return "its offset is not a flat object";
    this.#connectors.set(connector, partitions.set(id, { partition, offset, keyBytes, olderKeys }));
    return undefined;
  }

  /** The offset of one partition, or null. */
  offset(connector: string, partition: SourceMap): SourceMap | null {
    return this.#connectors.get(connector)?.get(sourceMapKey(partition))?.offset ?? null;
  }

  /** Every stored partition of a connector. */
  offsets(connector: string): SourceOffset[] {
    const stored = this.#connectors.get(connector)?.values() ?? [];
    return [...stored].map(({ partition, offset }) => ({ partition, offset }));
  }

  /**
   * The records that store `offset`. The first reuses the key bytes already in the topic, because compaction compares
   * bytes. The others delete older keys of the partition: their offsets would return once it is reset, or, as they may
   * be in another topic partition, with any replay.
   */
  records(connector: string, { partition, offset }: SourceOffset): StoreRecord[] {
    const known = this.#connectors.get(connector)?.get(sourceMapKey(partition));
    const stored = {
      key: known?.keyBytes ?? Buffer.from(writeExactJson([connector, partition])),
      value: offset === null ? null : Buffer.from(writeExactJson(offset)),
    };
    return [stored, ...(known?.olderKeys ?? []).map((key) => ({ key, value: null }))];
  }
}

function isSourceMap(value: ExactJson): value is SourceMap {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((member) => member === null || typeof member !== "object");
}
