import type pg from "pg";
import type { IncrementalTable } from "../position/incremental-position.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import { ChunkReader } from "./chunk-reader.js";
import { chunkObstacle } from "./incremental-chunks.js";

/** The tables of an initial snapshot under snapshot.resume.mode=chunks. */
export interface SnapshotSplit {
  /** Read whole, before the stream starts: without a key, or by a SELECT of their own. */
  readonly whole: readonly CapturedTable[];
  /** Read beside the stream. */
  readonly inChunks: readonly IncrementalTable[];
}

/** Splits tables by whether they can be read in chunks. @param client in the snapshot's transaction. */
export async function splitSnapshot(
  client: pg.Client,
  tables: readonly CapturedTable[],
  parts: { readonly filter: TableFilter; readonly schemas: TableSchemas },
  statements: ReadonlyMap<string, string>,
): Promise<SnapshotSplit> {
  const reader = new ChunkReader({ client, ...parts, limitBytes: 0 });
  const whole: CapturedTable[] = [];
  const inChunks: IncrementalTable[] = [];
  for (const table of tables) {
    const id = `${table.schema}.${table.table}`;
    const described = await reader.describe(table);
    const hasKey = described !== undefined && parts.schemas.get(described.definition).keySchema !== null;
    if (!described || statements.has(id) || chunkObstacle(described, hasKey, null) !== undefined) whole.push(table);
    else inChunks.push({ id, condition: null, surrogateKey: null, correlationId: null, oid: table.oid });
  }
  return { whole, inChunks };
}
