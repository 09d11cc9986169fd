import { isDeepStrictEqual } from "node:util";
import type { SourceMap, SourceOffset } from "../api/index.js";
import type { RecordHeader } from "../api/record-headers.js";
import { type ExactJson, parseExactJson, sourceMapKey, writeExactJson } from "../base/exact-json.js";
import type { StoredRecord, StoreRecord } from "./log-transport.js";

/**
 * Orders the writers of a connector's offsets. Each alteration through REST begins an era, with an even number; tasks
 * that know of it write with the next, odd one. A record of an earlier era than the one it follows was sent before the
 * alteration and arrived after it. Records without an era, such as Kafka Connect's own, count as newest.
 */
export type Era = number;

/** An offset of a task, with the era that the task knows; undefined: the newest. */
export type TaskOffset = SourceOffset & { readonly era?: Era | undefined };

const HEADER = "millrace.era";

/** The value of an alteration's mark; a reset's mark has `{}`. */
const ALTERED = { altered: true };

interface StoredOffset {
  readonly partition: SourceMap;
  /** null: altered to none; kept so that an earlier record which arrives later is recognized. */
  readonly offset: SourceMap | null;
  readonly era: Era | undefined;
  /** The key bytes of the newest record: another writer may have ordered the members differently. */
  readonly keyBytes: Buffer;
  /** Other keys of the same partition with an offset in the topic, from writers of both orders. */
  readonly olderKeys: readonly Buffer[];
}

interface StoredConnector {
  readonly partitions: Map<string, StoredOffset>;
  /** The newest era in which anything was written. */
  era: Era;
  /** The era of the last reset: offsets of earlier ones are void, wherever their records arrive. */
  resetEra: Era;
  /** The era of the last alteration to none that left a mark. */
  noneEra: Era;
}

/** What a record of an alteration stands for: a source partition, or the mark of a reset or of an alteration to none. */
interface Alteration {
  readonly connector: string;
  readonly place: SourceMap | "resetEra" | "noneEra";
}

const LATE = "it was sent before the connector's offsets were altered, and arrived after that";

/**
 * The fold of the offsets topic: connector, then source partition, to offset. Partitions are compared by content, not
 * by bytes: a Java worker writes their members in its map's order, and `{"a":1,"b":2}` equals `{"b":2,"a":1}`. (I6)
 */
export class OffsetFold {
  readonly #connectors = new Map<string, StoredConnector>();
  /** Alterations under whose keys an earlier record has arrived since, by key. */
  readonly #hidden = new Map<string, Alteration>();

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
    const stored = this.#connectors.get(connector) ?? { partitions: new Map(), era: 0, resetEra: 0, noneEra: 0 };
    const era = eraOf(record.headers);
    // Connect itself skips null partitions, which some old connectors wrote. We mark resets and alterations by them.
    if (partition === null && era === undefined) return undefined;
    if (partition !== null && !isSourceMap(partition)) return "its partition is not a flat object";
    if (offset !== null && !isSourceMap(offset)) return "its offset is not a flat object";
    stored.era = Math.max(stored.era, era ?? 0);
    this.#connectors.set(connector, stored);
    const keyBytes = Buffer.from(record.key);
    const mark = isDeepStrictEqual(offset, ALTERED) ? "noneEra" : "resetEra";
    const why =
      partition === null ? applyMark(stored, mark, era!) : applyTo(stored.partitions, keyBytes, partition, offset, era);
    this.#noteHidden(keyBytes, { connector, place: partition ?? mark }, why !== undefined);
    return why;
  }

  /** Whether compaction would keep only an earlier record than the alteration under this key. */
  isHidden(key: Buffer): boolean {
    return this.#hidden.has(String(key));
  }

  /** The records of all such alterations, to be written again. */
  hidden(): StoreRecord[] {
    return [...this.#hidden.values()].flatMap((alteration) => this.#recordOf(alteration) ?? []);
  }

  /** The offset of one partition, or null. */
  offset(connector: string, partition: SourceMap): SourceMap | null {
    const stored = this.#connectors.get(connector);
    const found = stored?.partitions.get(sourceMapKey(partition));
    return found && !isVoid(stored!, found) ? found.offset : null;
  }

  /** Every stored partition of a connector. */
  offsets(connector: string): SourceOffset[] {
    const stored = this.#connectors.get(connector);
    if (!stored) return [];
    return [...stored.partitions.values()]
      .filter((found) => found.offset !== null && !isVoid(stored, found))
      .map(({ partition, offset }) => ({ partition, offset }));
  }

  /** The newest era of a connector's offsets. */
  era(connector: string): Era {
    return this.#connectors.get(connector)?.era ?? 0;
  }

  /** The era of the tasks that know all that this fold does. */
  taskEra(connector: string): Era {
    const known = this.era(connector);
    return isAlteration(known) ? known + 1 : known;
  }

  /**
   * The records that store `offset`. The first reuses the key bytes already in the topic, because compaction compares
   * bytes. The others delete older keys of the partition: their offsets would return once it is reset, or, as they may
   * be in another topic partition, with any replay.
   *
   * @param era of an alteration, or of a task; else of a task that knows all that this fold does.
   */
  records(
    connector: string,
    { partition, offset }: SourceOffset,
    era: Era | undefined = this.taskEra(connector),
  ): StoreRecord[] {
    const known = this.#connectors.get(connector)?.partitions.get(sourceMapKey(partition));
    const stored = {
      key: known?.keyBytes ?? Buffer.from(writeExactJson([connector, partition])),
      value: offset === null ? null : Buffer.from(writeExactJson(offset)),
      headers: eraHeaders(era),
    };
    return [stored, ...(known?.olderKeys ?? []).map((key) => ({ key, value: null, headers: eraHeaders(era) }))];
  }

  /**
   * The record that keeps the era of an alteration to none. Workers remember that alteration, and compaction does not: a
   * task of a worker that started later would write in an era before it, and lose its offsets to it.
   */
  alteredMark(connector: string, era: Era): StoreRecord {
    // Not the bytes of a reset's mark: compaction keeps both.
    const key = writeExactJson([connector, null]).replace(/,null\]$/, ", null]");
    return { key: Buffer.from(key), value: Buffer.from(writeExactJson(ALTERED)), headers: eraHeaders(era) };
  }

  /**
   * The records that reset all offsets of a connector. The last one voids whatever tasks of earlier eras have sent that
   * has not arrived yet, and stays: compaction may leave nothing else but such a record.
   */
  resetRecords(connector: string, era: Era): StoreRecord[] {
    const keys = [...(this.#connectors.get(connector)?.partitions.values() ?? [])].flatMap(
      ({ keyBytes, olderKeys }) => [keyBytes, ...olderKeys],
    );
    // With their era: they may arrive after an alteration by the next leader.
    return [...keys.map((key) => ({ key, value: null, headers: eraHeaders(era) })), resetMark(connector, era)];
  }

  /** Tasks that have written since write again themselves. */
  #noteHidden(keyBytes: Buffer, alteration: Alteration, isLate: boolean): void {
    const key = String(keyBytes);
    if (!isLate) this.#hidden.delete(key);
    else if (this.#recordOf(alteration)?.key.equals(keyBytes)) this.#hidden.set(key, alteration);
  }

  /** Undefined: no alteration stands there. */
  #recordOf({ connector, place }: Alteration): StoreRecord | undefined {
    const stored = this.#connectors.get(connector);
    if (!stored) return undefined;
    if (place === "resetEra") return resetMark(connector, stored.resetEra);
    if (place === "noneEra") return this.alteredMark(connector, stored.noneEra);
    const found = stored.partitions.get(sourceMapKey(place));
    if (found?.era === undefined || !isAlteration(found.era)) return undefined;
    const value = found.offset === null ? null : Buffer.from(writeExactJson(found.offset));
    return { key: found.keyBytes, value, headers: eraHeaders(found.era) };
  }
}

function resetMark(connector: string, era: Era): StoreRecord {
  return {
    key: Buffer.from(writeExactJson([connector, null])),
    value: Buffer.from("{}"),
    headers: eraHeaders(era),
  };
}

function isAlteration(era: Era): boolean {
  return era % 2 === 0;
}

/** @param known the newest era that the fold has seen of the connector. */
export function nextEra(known: Era, nowMs: number): Era {
  // By the time as well: an alteration that failed, and is not known, may arrive after the one that repeats it.
  return 2 * Math.max(Math.floor(known / 2) + 1, nowMs);
}

function eraHeaders(era: Era): RecordHeader[] {
  return [{ key: HEADER, value: Buffer.from(String(era)) }];
}

/** Undefined: the record has none. */
function eraOf(headers: readonly RecordHeader[] | undefined): Era | undefined {
  const text = headers?.find(({ key }) => key === HEADER)?.value?.toString();
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A reset voids what it has deleted, so that nothing need be kept of that. */
function applyMark(stored: StoredConnector, mark: "noneEra" | "resetEra", era: Era): string | undefined {
  if (era < stored[mark]) return LATE;
  stored[mark] = era;
  if (mark === "noneEra") return undefined;
  for (const [id, { offset, era: deleted = Number.POSITIVE_INFINITY }] of stored.partitions)
    if (offset === null && deleted <= era) stored.partitions.delete(id);
  return undefined;
}

function applyTo(
  partitions: Map<string, StoredOffset>,
  keyBytes: Buffer,
  partition: SourceMap,
  offset: SourceMap | null,
  era: Era | undefined,
): string | undefined {
  const id = sourceMapKey(partition);
  const known = partitions.get(id);
  const otherKeys = known ? [known.keyBytes, ...known.olderKeys].filter((key) => !key.equals(keyBytes)) : [];
  if (known?.era !== undefined && era !== undefined && era < known.era) {
    const isOther = offset !== null && !known.keyBytes.equals(keyBytes);
    const olderKeys = [...known.olderKeys.filter((key) => !key.equals(keyBytes)), ...(isOther ? [keyBytes] : [])];
    partitions.set(id, { ...known, olderKeys });
    return LATE;
  }
  const isAltered = era !== undefined && isAlteration(era);
  if (offset !== null || (isAltered && (!known || known.keyBytes.equals(keyBytes)))) {
    partitions.set(id, { partition, offset, era, keyBytes, olderKeys: otherKeys });
  } else if (known?.keyBytes.equals(keyBytes)) partitions.delete(id);
  else if (known) partitions.set(id, { ...known, olderKeys: otherKeys.slice(1) });
  return undefined;
}

/** Offsets that other programs wrote have no era; a reset deletes those one by one. */
function isVoid({ resetEra }: StoredConnector, { era }: StoredOffset): boolean {
  return era !== undefined && era < resetEra;
}

function isSourceMap(value: ExactJson): value is SourceMap {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((member) => member === null || typeof member !== "object");
}
