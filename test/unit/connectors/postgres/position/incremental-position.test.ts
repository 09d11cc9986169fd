import { expect, test } from "vitest";
import {
  incrementalKeys,
  readIncremental,
  withoutIncremental,
} from "../../../../../connectors/postgres/position/incremental-position.js";

test("an incremental snapshot's place is read as it was stored, and Debezium's list of tables from the beginning", () => {
  const position = {
    tables: [
      { id: "public.t", condition: "a = 1", surrogateKey: null, correlationId: "s1", oid: 16_400 },
      { id: "public.u", condition: null, surrogateKey: "place", correlationId: null, oid: null },
    ],
    order: ["id integer", "name text"],
    lastKey: ["5", 'x"y'],
    maximumKey: ["9", ""],
  };
  expect(readIncremental(incrementalKeys(position))).toEqual(position);
  expect(incrementalKeys({ tables: [], order: null, lastKey: null, maximumKey: null })).toEqual({});
  expect(withoutIncremental({ lsn: 1, ...incrementalKeys(position) })).toEqual({ lsn: 1 });
  const none = { tables: [], order: null, lastKey: null, maximumKey: null };
  for (const offset of [null, { lsn: 1 }, { incremental_snapshot_collections: "[]" }])
    expect(readIncremental(offset)).toEqual(none);
  expect(
    readIncremental({
      incremental_snapshot_collections: '[{"incremental_snapshot_collections_id":"public.t"}]',
      incremental_snapshot_primary_key: "aced000570",
    }),
  ).toEqual({
    ...none,
    tables: [{ id: "public.t", condition: null, surrogateKey: null, correlationId: null, oid: null }],
  });
});

test("a key that is null or empty is none", () => {
  for (const key of [null, "", "[]"])
    expect(readIncremental({ incremental_snapshot_last_key: key, incremental_snapshot_end_key: key })).toEqual({
      tables: [],
      order: null,
      lastKey: null,
      maximumKey: null,
    });
});

test("an altered list is refused by its key, without its text", () => {
  for (const text of ["secret", '{"a":1}'])
    expect(() => readIncremental({ incremental_snapshot_collections: text })).toThrow(
      /^The key 'incremental_snapshot_collections' in the stored offset is no list in JSON/,
    );
});
