import { readFileSync } from "node:fs";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { SeededRandom } from "../../../src/base/random.js";
import { keyOf, SHOP_TABLES } from "../../../src/demo/check/shop-tables.js";
import { StoredObjects } from "../../../src/demo/check/stored-objects.js";
import { canonicalKey, type JsonRow } from "../../../src/demo/check/topic-event.js";
import { DemoWorkload } from "../../../src/demo/demo-workload.js";
import { peakMemoryMiB } from "../../../src/demo/process-memory.js";
import { startTestObjectStore } from "../../support/object-store.js";
import { execute, startTestPostgres, withClient } from "../../support/postgres.js";

test("the demo's live mix counts its changes correctly, and its rows are read in the events' spelling", async () => {
  const server = await startTestPostgres();
  try {
    await execute(server, readFileSync("config/demo/schema.sql", "utf8"), readFileSync("config/demo/rows.sql", "utf8"));
    const workload = new DemoWorkload({
      connectionString: server.connectionString,
      clients: 4,
      rate: 400,
      durationMs: 1500,
      clock: new SystemClock(),
      random: new SeededRandom(7),
    });
    await workload.run(new AbortController().signal);
    const { transactions, inserts, updates, deletes } = workload.counts;
    expect(transactions).toBeGreaterThan(590);
    expect(workload.commitsMs.size).toBeGreaterThan(570); // a delete of what is gone already has no transaction id
    await withClient(server, async (client) => {
      const done = await client.query(
        "select sum(n_tup_ins)::int - 100000 as ins, sum(n_tup_upd)::int as upd, sum(n_tup_del)::int as del from pg_stat_user_tables where schemaname = 'shop'",
      );
      expect(done.rows[0]).toEqual({ ins: inserts, upd: updates, del: deletes });
      for (const table of SHOP_TABLES) {
        const { rows } = await client.query(`select row_to_json(t)::text as row from (${table.select} limit 1) t`);
        const row = JSON.parse(rows[0].row) as JsonRow;
        const columns = await client.query(
          "select count(*)::int as n from information_schema.columns where table_schema = 'shop' and table_name = $1",
          [table.name],
        );
        expect(Object.keys(row)).toHaveLength(columns.rows[0].n);
        expect(canonicalKey(keyOf(table, row))).not.toContain("undefined");
      }
    });
  } finally {
    await server.stop();
  }
});

test("stored objects are read once, and again after a change", async () => {
  const { client, stop } = await startTestObjectStore({ buckets: ["shop"] });
  const line = (lsn: number) =>
    `${JSON.stringify({ op: "c", before: null, after: { id: lsn }, source: { lsn, txId: 1 } })}\n`;
  const put = (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket: "shop", Key, Body }));
  const objects = new StoredObjects(client, "shop");
  await put("topics/t/partition=0/t+0+0000000000.json", line(1) + line(2));
  await put("elsewhere.txt", "no object of a sink");
  await objects.refresh();
  expect(objects.records).toBe(2);
  await put("topics/t/partition=0/t+0+0000000002.json", line(3));
  await put("topics/t/partition=0/t+0+0000000000.json", line(1));
  await objects.refresh();
  expect(objects.contents.map(({ startOffset, digests }) => [startOffset, digests.length])).toEqual([
    [0, 1],
    [2, 1],
  ]);
  await stop();
});

test("a process's memory is known", () => {
  expect(peakMemoryMiB(process.pid)).toBeGreaterThan(20);
});
