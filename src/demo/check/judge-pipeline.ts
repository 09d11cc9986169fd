/** Stands for a value: equal for equal values, and practically never for others. */
export type Digest = string | number;

/** The parts of a change topic's record that are judged. */
export interface TopicEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The row's key in one canonical form. */
  readonly key: string;
  readonly kind: "read" | "create" | "update" | "delete" | "tombstone";
  /** The source's position (LSN); 0 for tombstones, which have none. */
  readonly position: number;
  /** Digest of the row as it was afterwards; null for deletes and tombstones. */
  readonly row: Digest | null;
  /** The row's own count of its writes, from 1; undefined for rows without one. */
  readonly version: number | undefined;
  /** Digest by which an object's record is recognised; empty for tombstones. */
  readonly digest: Digest;
}

/** The records of one object, in order. */
export interface ObjectContents {
  readonly object: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first, from the object's name. The others follow it in the topic, where tombstones do not count. */
  readonly startOffset: number;
  readonly digests: readonly Digest[];
}

/** Per topic, the rows at the end: digest by key. */
export type FinalRows = ReadonlyMap<string, ReadonlyMap<string, Digest>>;

/** The findings for one topic and its objects. Everything from `missing` on should be 0 where nothing was killed. */
export interface TopicVerdict {
  readonly topic: string;
  readonly rows: number;
  /** Records in the topic, tombstones included. */
  readonly events: number;
  /** Records in objects. */
  readonly records: number;
  /** Final rows that are not the last event of their key. */
  readonly missing: number;
  /** Keys whose last event is a row that is no longer there: its delete is missing. */
  readonly leftOver: number;
  /** Versions of a row, between its first and its last, that no event carries. */
  readonly skipped: number;
  /** Events older than one of their key before them, unless they count as `beforeSnapshot` or `resent`. */
  readonly outOfOrder: number;
  /**
   * What only a snapshot that was done again may leave: streamed events older than their key's snapshot, and rows of
   * the snapshot behind a streamed event that is sent again after it. All rows have the position where the stream begins
   * again, and a crash may have come after events from there were sent and before the end of the snapshot was stored.
   */
  readonly beforeSnapshot: number;
  /** Events sent again: allowed after a crash, and never counted as out of order. */
  readonly resent: number;
  /** Records of the topic that are in no object. */
  readonly missingRecords: number;
  /** Records of the topic that are in two objects, or twice in one. */
  readonly duplicated: number;
  /** Records in objects that are not the topic's record at that place. */
  readonly foreign: number;
  /** The first few findings, for a person to look at: keys and objects, never values. */
  readonly findings: readonly string[];
}

const MOST_FINDINGS = 5;

/**
 * Judges a whole run from the outside: the rows in the database, the records in the topics, the records in the objects.
 * It uses nothing that a worker reports.
 *
 * Objects are matched by the default partitioner's promise, that an object holds consecutive records of one partition.
 * Without `objects` only rows and events are compared.
 */
export function judgePipeline(
  rows: FinalRows,
  events: readonly TopicEvent[],
  objects: readonly ObjectContents[] | undefined,
): TopicVerdict[] {
  const eventsOf = groupBy(events, (event) => event.topic);
  const objectsOf = groupBy(objects ?? [], (object) => object.topic);
  const topics = [...new Set([...rows.keys(), ...eventsOf.keys(), ...objectsOf.keys()])];
  return topics.map((topic) => {
    const findings: string[] = [];
    const note = (finding: string) => {
      if (findings.length < MOST_FINDINGS) findings.push(finding);
    };
    const inOrder = [...(eventsOf.get(topic) ?? [])].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
    const ofTopic = objectsOf.get(topic) ?? [];
    return {
      topic,
      rows: rows.get(topic)?.size ?? 0,
      events: inOrder.length,
      records: ofTopic.reduce((sum, object) => sum + object.digests.length, 0),
      ...judgeKeys(inOrder, rows.get(topic) ?? new Map(), note),
      ...(objects ? judgeObjects(inOrder, ofTopic, note) : { missingRecords: 0, duplicated: 0, foreign: 0 }),
      findings,
    };
  });
}

/** True if nothing is lost, doubled or out of order: the measure for a run in which nothing was killed. */
export function isFlawless(verdict: TopicVerdict): boolean {
  return isComplete(verdict) && verdict.resent === 0 && verdict.beforeSnapshot === 0;
}

/** True if nothing is lost and objects are exact: the measure for a run with crashes, which may leave resent events. */
export function isComplete(verdict: TopicVerdict): boolean {
  const { missing, leftOver, skipped, outOfOrder, missingRecords, duplicated, foreign } = verdict;
  return missing + leftOver + skipped + outOfOrder + missingRecords + duplicated + foreign === 0;
}

const KINDS: readonly TopicEvent["kind"][] = ["read", "create", "update", "delete", "tombstone"];

interface KeyHistory {
  lastRow: Digest | null;
  /** Highest position of a snapshot event, and of a streamed one. */
  read: number;
  streamed: number;
  /** The streamed event in front of an older row of a snapshot, until it is sent again. */
  owed: { readonly position: number; readonly behind: TopicEvent } | undefined;
  /** Positions and kinds seen, as numbers, to recognise events sent again. */
  readonly seen: number[];
  readonly versions: number[];
}

function judgeKeys(
  events: readonly TopicEvent[],
  rows: ReadonlyMap<string, Digest>,
  note: (finding: string) => void,
): Pick<TopicVerdict, "missing" | "leftOver" | "skipped" | "outOfOrder" | "beforeSnapshot" | "resent"> {
  const keys = new Map<string, KeyHistory>();
  let outOfOrder = 0;
  let beforeSnapshot = 0;
  let resent = 0;
  const noteDisorder = (event: TopicEvent) =>
    note(`${place(event)}: an older event of key ${event.key} follows a newer one`);
  for (const event of events) {
    let history = keys.get(event.key);
    if (!history) {
      history = { lastRow: null, read: -1, streamed: -1, owed: undefined, seen: [], versions: [] };
      keys.set(event.key, history);
    }
    history.lastRow = event.row;
    if (event.kind === "tombstone") continue;
    if (event.version !== undefined && !history.versions.includes(event.version)) history.versions.push(event.version);
    const isRead = event.kind === "read";
    if (!isRead && event.position === history.owed?.position) {
      history.owed = undefined;
      beforeSnapshot++;
    }
    const identity = event.position * KINDS.length + KINDS.indexOf(event.kind);
    if (history.seen.includes(identity)) {
      resent++;
      continue;
    }
    history.seen.push(identity);
    if (event.position < (isRead ? history.read : history.streamed)) {
      outOfOrder++;
      noteDisorder(event);
    } else if (!isRead && event.position < history.read) {
      beforeSnapshot++;
    } else if (isRead && event.position < history.streamed) {
      history.owed = { position: history.streamed, behind: event };
    }
    if (isRead) history.read = Math.max(history.read, event.position);
    else history.streamed = Math.max(history.streamed, event.position);
  }
  for (const { owed } of keys.values()) {
    if (!owed) continue;
    outOfOrder++;
    noteDisorder(owed.behind);
  }
  return { ...judgeRows(keys, rows, note), outOfOrder, beforeSnapshot, resent };
}

function judgeRows(
  keys: ReadonlyMap<string, KeyHistory>,
  rows: ReadonlyMap<string, Digest>,
  note: (finding: string) => void,
): Pick<TopicVerdict, "missing" | "leftOver" | "skipped"> {
  let missing = 0;
  let leftOver = 0;
  let skipped = 0;
  for (const [key, row] of rows) {
    const history = keys.get(key);
    if (history?.lastRow === row) continue;
    missing++;
    note(history ? `key ${key}: the last event is not the row in the database` : `key ${key}: no event at all`);
  }
  for (const [key, { lastRow, versions }] of keys) {
    if (lastRow !== null && !rows.has(key)) {
      leftOver++;
      note(`key ${key}: the row was deleted, the last event is no delete`);
    }
    if (versions.length < 2) continue;
    const gaps = Math.max(...versions) - Math.min(...versions) + 1 - versions.length;
    skipped += gaps;
    if (gaps > 0) note(`key ${key}: ${gaps} of its versions are in no event`);
  }
  return { missing, leftOver, skipped };
}

function judgeObjects(
  events: readonly TopicEvent[],
  objects: readonly ObjectContents[],
  note: (finding: string) => void,
): Pick<TopicVerdict, "missingRecords" | "duplicated" | "foreign"> {
  const partitions = groupBy(
    events.filter((event) => event.kind !== "tombstone"),
    (event) => event.partition,
  );
  const holders = new Map<TopicEvent, string>();
  let duplicated = 0;
  let foreign = 0;
  for (const { object, partition, startOffset, digests } of objects) {
    const records = partitions.get(partition) ?? [];
    const first = firstAtOrAfter(records, startOffset);
    for (const [index, digest] of digests.entries()) {
      const record = records[first + index];
      if (record?.digest !== digest) {
        foreign++;
        note(`${object}: record ${index} is not the one that stands there in the topic`);
        continue;
      }
      const other = holders.get(record);
      if (other !== undefined) {
        duplicated++;
        note(`${place(record)} is in ${other} and in ${object}`);
      }
      holders.set(record, object);
    }
  }
  let missingRecords = 0;
  for (const records of partitions.values()) {
    for (const record of records) {
      if (holders.has(record)) continue;
      missingRecords++;
      note(`${place(record)} is in no object`);
    }
  }
  return { missingRecords, duplicated, foreign };
}

function firstAtOrAfter(records: readonly TopicEvent[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.offset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function place({ topic, partition, offset }: TopicEvent): string {
  return `${topic}-${partition}@${offset}`;
}

function groupBy<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
