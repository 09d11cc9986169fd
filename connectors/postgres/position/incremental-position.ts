import { DataError, type SourceMap } from "../../../src/api/index.js";

/** A table of an incremental snapshot. */
export interface IncrementalTable {
  /** `schema.table`. */
  readonly id: string;
  readonly condition: string | null;
  readonly surrogateKey: string | null;
  /** The id of the signal that asked for it; null: of an older offset. */
  readonly correlationId: string | null;
  /** Of a table of the initial snapshot, which is read also under another name; null: a signal asked for it. */
  readonly oid: number | null;
}

/** How far an incremental snapshot is. Every offset holds it until the snapshot ends. */
export interface IncrementalPosition {
  /** The first is being read. */
  readonly tables: readonly IncrementalTable[];
  /** The columns that order its rows, with their types; null before the first chunk, and in older offsets. */
  readonly order: readonly string[] | null;
  /** Of the last row that was sent, and of the last row to send, as the server's texts; null before the first chunk. */
  readonly lastKey: readonly string[] | null;
  readonly maximumKey: readonly string[] | null;
}

const TABLES = "incremental_snapshot_collections";
const ORDER = "incremental_snapshot_key_order";
const LAST_KEY = "incremental_snapshot_last_key";
const MAXIMUM_KEY = "incremental_snapshot_end_key";

/** The keys of an offset. Debezium knows the list of tables, and would read the first of them from its beginning. */
export function incrementalKeys({ tables, order, lastKey, maximumKey }: IncrementalPosition): SourceMap {
  if (tables.length === 0) return {};
  return {
    [TABLES]: JSON.stringify(
      tables.map(({ id, condition, surrogateKey, correlationId, oid }) => ({
        [`${TABLES}_id`]: id,
        [`${TABLES}_additional_condition`]: condition,
        [`${TABLES}_surrogate_key`]: surrogateKey,
        [`${TABLES}_correlation_id`]: correlationId,
        ...(oid !== null && { [`${TABLES}_oid`]: String(oid) }),
      })),
    ),
    ...(order && { [ORDER]: JSON.stringify(order) }),
    ...(lastKey && { [LAST_KEY]: JSON.stringify(lastKey) }),
    ...(maximumKey && { [MAXIMUM_KEY]: JSON.stringify(maximumKey) }),
  };
}

/** An offset without what it says of an incremental snapshot. */
export function withoutIncremental(offset: SourceMap): SourceMap {
  return Object.fromEntries(Object.entries(offset).filter(([key]) => !key.startsWith("incremental_snapshot_")));
}

/**
 * Reads an offset's keys. One that Debezium left in the middle of a table begins that table again.
 *
 * @throws DataError if they are not what was stored: a user may have altered them.
 */
export function readIncremental(offset: SourceMap | null): IncrementalPosition {
  const text = offset?.[TABLES];
  const entries = listOf<Record<string, string | null>>(TABLES, text);
  const tables = entries.map((entry) => ({
    id: entry[`${TABLES}_id`] ?? "",
    condition: entry[`${TABLES}_additional_condition`] || null,
    surrogateKey: entry[`${TABLES}_surrogate_key`] || null,
    correlationId: entry[`${TABLES}_correlation_id`] || null,
    oid: entry[`${TABLES}_oid`] ? Number(entry[`${TABLES}_oid`]) : null,
  }));
  const key = (name: string) => {
    const list = listOf<string>(name, offset?.[name]);
    return list.length === 0 ? null : list;
  };
  return { tables, order: key(ORDER), lastKey: key(LAST_KEY), maximumKey: key(MAXIMUM_KEY) };
}

function listOf<T>(name: string, text: unknown): T[] {
  if (typeof text !== "string" || text === "") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list as T[];
  } catch {
    // Without the parser's own message, which quotes the text.
  }
  throw new DataError(
    "OFFSET_INVALID",
    `The key '${name}' in the stored offset is no list in JSON. Remove it, and the incremental snapshot ends`,
  );
}
