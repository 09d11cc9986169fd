import { describe, expect, test } from "vitest";
import { compilePatterns } from "../../../../connectors/postgres/config/patterns.js";
import { type CapturedTable, planSnapshotTables } from "../../../../connectors/postgres/tables/captured-tables.js";
import {
  namesOf,
  splitByAdvice,
  unpublishedOperations,
  unpublishedTables,
} from "../../../../connectors/postgres/tables/publication-coverage.js";
import { combine } from "../../../../connectors/postgres/tables/relation-cache.js";
import type { CatalogTable } from "../../../../connectors/postgres/tables/table-catalog.js";
import type { TypeInfo } from "../../../../connectors/postgres/types/type-info.js";
import type { RelationMessage } from "../../../../connectors/postgres/wal/pgoutput-decoder.js";

const table = (oid: number, name: string, more: Partial<CapturedTable> = {}): CapturedTable => ({
  oid,
  schema: "public",
  table: name,
  isPartitioned: false,
  ancestors: [],
  ...more,
});
const ROOT = table(1, "root", { isPartitioned: true });
const LEAF = table(2, "leaf", { ancestors: [1] });
const PLAIN = table(3, "plain");
const inNameOrder = { includePosition: () => 0 };

describe("of a partitioned table and its partitions, the snapshot reads", () => {
  const names = (captured: readonly CapturedTable[], ...published: string[]) =>
    planSnapshotTables(captured, new Set(published), null, inNameOrder).map((found) => found.table);

  test("those that the publication names", () => {
    expect(names([ROOT, LEAF, PLAIN], "public.leaf", "public.plain")).toEqual(["leaf", "plain"]);
    expect(names([ROOT, LEAF, PLAIN], "public.root", "public.plain")).toEqual(["plain", "root"]);
  });

  test("the captured one, if there is only one", () => {
    expect(names([ROOT], "public.leaf")).toEqual(["root"]);
    expect(names([LEAF], "public.root")).toEqual(["leaf"]);
  });

  test("the root, if nothing is published", () => {
    expect(names([ROOT, LEAF])).toEqual(["root"]);
  });
});

test("tables are read in the order of the include list, and only those selected for the snapshot", () => {
  const order = { includePosition: (_: string, name: string) => ["c", "a", "b"].indexOf(name) };
  const captured = [table(1, "a"), table(2, "b"), table(3, "c")];
  const planned = planSnapshotTables(
    captured,
    new Set(),
    compilePatterns("snapshot.include.collection.list", "public.a,public.c"),
    order,
  );
  expect(planned.map((found) => found.table)).toEqual(["c", "a"]);
});

test("a partitioned table with published partitions gets different advice from a missing one", () => {
  const other = table(4, "other", { isPartitioned: true });
  expect(splitByAdvice([ROOT, PLAIN, other], new Set([1]))).toEqual({ missing: [PLAIN, other], split: [ROOT] });
});

describe("a relation message", () => {
  const message: RelationMessage = {
    kind: "relation",
    oid: 9,
    schema: "public",
    table: "t",
    replicaIdentity: "default",
    columns: [
      { name: "id", typeOid: 23, typmod: -1, isIdentity: true },
      { name: "dropped", typeOid: 23, typmod: -1, isIdentity: false },
    ],
  };
  const int4: TypeInfo = {
    ...{ oid: 23, name: "int4", kind: "b", isArray: false, elementOid: 0, baseOid: 0, baseTypmod: -1, labels: [] },
  };
  const types = new Map([[23, int4]]);
  const id = { name: "id", typeOid: 23, typmod: -1, isNullable: false, defaultExpression: "5" };
  const later = { ...id, name: "later" };
  const catalog: CatalogTable = {
    ...{ oid: 9, schema: "public", table: "t", columns: [id, later] },
    primaryKey: { columns: ["later", "id"], isDeferrable: false, isPartial: false },
    uniqueKey: null,
  };

  test("defines the columns; the catalog adds the rest for those it still has", () => {
    const definition = combine(message, catalog, types, undefined);
    expect(
      definition.columns.map(({ name, isNullable, defaultExpression }) => [name, isNullable, defaultExpression]),
    ).toEqual([
      ["id", false, "5"],
      ["dropped", true, null],
    ]);
    expect(definition.keyColumns).toEqual(["id"]);
  });

  const keyOf = (
    more: Partial<RelationMessage>,
    now: Partial<CatalogTable> | undefined,
    lastKey?: readonly string[],
  ): readonly string[] => combine({ ...message, ...more }, now && { ...catalog, ...now }, types, lastKey).keyColumns;
  const key = (...columns: string[]) => ({ columns, isDeferrable: false, isPartial: false });
  const columns = (...names: string[]) =>
    names.map((name) => ({ name: name.replace("*", ""), typeOid: 23, typmod: -1, isIdentity: name.endsWith("*") }));

  test("flags the primary key under the default identity, whatever the catalog says now", () => {
    expect(keyOf({}, { primaryKey: key("later") })).toEqual(["id"]);
    expect(keyOf({}, { primaryKey: null }, ["dropped"])).toEqual(["id"]);
    expect(keyOf({}, undefined, ["dropped", "unknown"])).toEqual(["id"]);
    const two = { columns: columns("a*", "b*", "c") };
    expect(keyOf(two, { primaryKey: key("b", "a") })).toEqual(["b", "a"]);
    expect(keyOf(two, { primaryKey: key("c") }, ["b", "a"])).toEqual(["b", "a"]);
    expect(keyOf(two, { primaryKey: key("c") })).toEqual(["a", "b"]);
  });

  test("without flags has a key that was replaced or is deferrable, or a unique one", () => {
    const none = { columns: columns("a", "b") };
    // Dropped for good: rows may share its values, and compaction would remove all but one.
    expect(keyOf(none, { primaryKey: null }, ["a"])).toEqual([]);
    expect(keyOf(none, undefined, ["a"])).toEqual([]);
    expect(keyOf(none, { primaryKey: null, uniqueKey: key("b") }, ["a"])).toEqual(["b"]);
    expect(keyOf(none, { primaryKey: key("b") }, ["a"])).toEqual(["a"]);
    expect(keyOf(none, { primaryKey: key("b") })).toEqual(["b"]);
    expect(keyOf(none, { primaryKey: { ...key("b"), isDeferrable: true } }, ["a"])).toEqual(["b"]);
    expect(keyOf(none, { primaryKey: null, uniqueKey: key("b") })).toEqual(["b"]);
    expect(keyOf(none, { primaryKey: null })).toEqual([]);
    expect(keyOf(none, undefined)).toEqual([]);
  });

  test("under another identity has the catalog's key, if it has all of its columns, perhaps under other names", () => {
    const full = { replicaIdentity: "full", columns: columns("a*", "b*") } as const;
    expect(keyOf(full, { primaryKey: key("b") }, ["a"])).toEqual(["b"]);
    const now = columns("a", "c").map((column) => ({ ...id, ...column }));
    expect(keyOf(full, { primaryKey: key("c"), columns: now })).toEqual(["b"]);
    // Part of a key would put rows on other rows' keys.
    expect(keyOf(full, { primaryKey: key("a", "c"), columns: [...now, later] })).toEqual([]);
    expect(keyOf(full, { primaryKey: key("a", "c"), columns: [...now, later] }, ["a", "b"])).toEqual(["a", "b"]);
    expect(keyOf(full, undefined)).toEqual([]);
    expect(keyOf({ replicaIdentity: "index", columns: columns("a*", "b") }, undefined)).toEqual(["a"]);
  });
});

test("the publication lacks the operations that are neither published nor skipped", () => {
  expect(unpublishedOperations(["insert", "update"], new Set(["t"]))).toEqual(["delete"]);
  expect(unpublishedOperations(["insert", "update", "delete"], new Set(["t"]))).toEqual([]);
  expect(unpublishedOperations([""], new Set())).toEqual(["insert", "update", "delete", "truncate"]);
});

test("a captured table is published under its own name, or that of a captured partition or root", () => {
  const left = (captured: readonly CapturedTable[], ...published: string[]) =>
    unpublishedTables(captured, new Set(published)).map((found) => found.table);
  expect(left([ROOT, LEAF, PLAIN], "public.leaf")).toEqual(["plain"]);
  expect(left([ROOT, LEAF, PLAIN], "public.root", "public.plain")).toEqual([]);
  // The published name is not captured.
  expect(left([LEAF], "public.root")).toEqual(["leaf"]);
  expect(left([ROOT], "public.leaf")).toEqual(["root"]);
});

test("a message names ten tables and counts the others", () => {
  expect(namesOf([ROOT, LEAF])).toBe("public.root, public.leaf");
  expect(namesOf(Array.from({ length: 12 }, () => PLAIN))).toMatch(/^(public\.plain, ){9}public\.plain and 2 more$/);
});
