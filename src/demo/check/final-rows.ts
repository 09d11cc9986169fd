import type pg from "pg";
import type { Digest, FinalRows } from "./judge-pipeline.js";
import { keyOf, SHOP_TABLES, topicOf } from "./shop-tables.js";
import { canonicalKey, type JsonRow, rowDigest } from "./topic-event.js";

/** All rows of the shop as `judgePipeline` compares them, by topic and key, in one consistent view. */
export async function readFinalRows(client: pg.Client, topicPrefix: string): Promise<FinalRows> {
  const tables = new Map<string, Map<string, Digest>>();
  await client.query("begin transaction isolation level repeatable read");
  for (const table of SHOP_TABLES) {
    const select = `select row_to_json(t)::text as row from (${table.select}) t`;
    const byKey = new Map<string, Digest>();
    for (const { row } of (await client.query<{ row: string }>(select)).rows) {
      const parsed = JSON.parse(row) as JsonRow;
      byKey.set(canonicalKey(keyOf(table, parsed)), rowDigest(parsed));
    }
    tables.set(topicOf(topicPrefix, table), byKey);
  }
  await client.query("commit");
  return tables;
}
