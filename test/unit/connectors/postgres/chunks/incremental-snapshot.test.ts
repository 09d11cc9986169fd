import { expect, test } from "vitest";
import { type Chunk, IncrementalSnapshot } from "../../../../../connectors/postgres/chunks/incremental-snapshot.js";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import { incrementalKeys } from "../../../../../connectors/postgres/position/incremental-position.js";
import { ColumnWarnings } from "../../../../../connectors/postgres/tables/column-warnings.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import type { Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import { type InsertMessage, PgoutputDecoder } from "../../../../../connectors/postgres/wal/pgoutput-decoder.js";
import { ArrayStruct } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { type ColumnText, insert } from "../pgoutput-bytes.js";

const settings = parseSettings({
  "topic.prefix": "s",
  "database.hostname": "d",
  "database.user": "u",
  "database.dbname": "d",
  "message.key.columns": "public.o:customer",
});
const int4 = { name: "int4", kind: "b", typmod: -1, labels: [], element: null, isDomain: false };
const columns = ["id", "customer"].map((name) => ({
  name,
  type: int4,
  isNullable: false,
  defaultExpression: null,
}));
const schema = new TableSchema(
  { oid: 1, schema: "public", table: "o", columns, keyColumns: ["id"] },
  settings,
  new TableFilter(settings),
  new ColumnWarnings(silentLogger),
);

const tupleOf = (...texts: ColumnText[]) => {
  const bytes = insert(1, texts);
  return (new PgoutputDecoder().decode(bytes, 0, bytes.length) as InsertMessage).after;
};

/** Orders 1, 2 and 3 of customer 7, who is their message key. */
const CHUNK: Chunk = {
  rows: [1, 2, 3].map((id) => ({
    id: schema.readTexts(["id"], tupleOf(String(id), "7"))!,
    key: new ArrayStruct(schema.keySchema!, [7]),
    row: [id, 7],
    schema,
  })),
  schemaName: "public",
  tableName: "o",
  keyColumns: ["id"],
  order: ["id integer"],
  highLsn: 8 as Lsn,
  lastKey: ["3"],
  maximumKey: ["3"],
  isLast: false,
};

function opened(): IncrementalSnapshot {
  const incremental = new IncrementalSnapshot(null, silentLogger);
  incremental.add([{ id: "public.o", condition: null, surrogateKey: null, correlationId: null, oid: null }]);
  incremental.open(CHUNK);
  return incremental;
}
const ids = (incremental: IncrementalSnapshot) => incremental.close().map(({ row }) => row[0]);

test("rows that share a message key are all sent", () => {
  expect(ids(opened())).toEqual([1, 2, 3]);
});

test("an event supersedes its own row, not others of its message key", () => {
  const incremental = opened();
  incremental.supersede(schema, tupleOf("2", "7"));
  // Large and unchanged: only the row before has it.
  incremental.supersede(schema, tupleOf(undefined, "7"), tupleOf("3", null));
  expect(ids(incremental)).toEqual([1]);
});

test("events of another table leave the chunk's rows alone, even in its topic", () => {
  const routed = parseSettings({
    "topic.prefix": "s",
    "database.hostname": "d",
    "database.user": "u",
    "database.dbname": "d",
    "topic.naming.strategy": "io.debezium.schema.DefaultTopicNamingStrategy",
  });
  const [own, other] = ["public", "archive"].map(
    (name) =>
      new TableSchema(
        { oid: 1, schema: name, table: "o", columns, keyColumns: ["id"] },
        routed,
        new TableFilter(routed),
        new ColumnWarnings(silentLogger),
      ),
  );
  expect(other!.topic).toBe(own!.topic);
  const incremental = opened();
  incremental.supersede(other!, tupleOf("2", "7"));
  incremental.supersede(other!, tupleOf(null, "7"));
  incremental.clear(other!);
  incremental.supersede(own!, tupleOf("3", "7"));
  expect(ids(incremental)).toEqual([1, 2]);
});

test("other rows of a table, and rows of it that were read already, are read again; those that wait are not added", () => {
  const table = (condition: string | null) => ({
    id: "public.o",
    condition,
    surrogateKey: null,
    correlationId: null,
    oid: null,
  });
  const incremental = new IncrementalSnapshot(null, silentLogger);
  const conditions = () => incremental.position.tables.map(({ condition }) => condition);
  incremental.add([table("a = 1")]);
  incremental.add([table("a = 1")]);
  incremental.add([table("a = 2")]);
  expect(conditions()).toEqual(["a = 1", "a = 2"]);
  incremental.open(CHUNK);
  incremental.add([table("a = 1")]);
  incremental.close();
  incremental.add([table("a = 1")]);
  expect(conditions()).toEqual(["a = 1", "a = 2", "a = 1"]);
  incremental.add([table(null)]);
  incremental.add([table("a = 3")]);
  expect(conditions()).toEqual(["a = 1", "a = 2", "a = 1", null]);
});

test("a pause ends with what it paused", () => {
  for (const end of [(it: IncrementalSnapshot) => it.stop(null), (it: IncrementalSnapshot) => it.finish()]) {
    const incremental = opened();
    incremental.interrupt();
    incremental.pause();
    expect(incremental.next).toBeUndefined();
    end(incremental);
    incremental.add([{ id: "public.o", condition: null, surrogateKey: null, correlationId: null, oid: null }]);
    expect(incremental.next?.id).toBe("public.o");
  }
});

test("an initial snapshot reads a whole table of which a signal had asked for some rows", () => {
  const part = { id: "b", condition: "id > 5", surrogateKey: null, correlationId: "s", oid: null };
  const incremental = new IncrementalSnapshot(
    incrementalKeys({ tables: [part], order: ["id integer"], lastKey: ["7"], maximumKey: ["9"] }),
    silentLogger,
  );
  const whole = { id: "b", condition: null, surrogateKey: null, correlationId: null, oid: 2 };
  incremental.begin([whole]);
  expect(incremental.position).toEqual({ tables: [whole], order: null, lastKey: null, maximumKey: null });
});

test("a chunk is read again after an event that does not tell its row", () => {
  const incremental = opened();
  incremental.supersede(schema, tupleOf(null, "7"));
  expect(incremental.awaited).toBeUndefined();
  expect(incremental.next?.id).toBe("public.o");
});

test("a chunk that such events interrupt again and again is given up with the remedy, and progress counts anew", () => {
  const incremental = opened();
  const interrupt = () => incremental.supersede(schema, tupleOf(null, "7"));
  for (let times = 0; times < 20; times++) {
    interrupt();
    incremental.open(CHUNK);
  }
  incremental.close();
  for (let times = 0; times < 20; times++) {
    incremental.open(CHUNK);
    interrupt();
  }
  incremental.open(CHUNK);
  interrupt();
  expect(() => incremental.open(CHUNK)).toThrow(/public.o was read 20 times in vain.*Set REPLICA IDENTITY/);
});

test("an initial snapshot that begins again drops what was left of the earlier one, and leaves the signals' tables", () => {
  const incremental = new IncrementalSnapshot(null, silentLogger);
  const table = (id: string, oid: number | null) => ({
    id,
    condition: null,
    surrogateKey: null,
    correlationId: null,
    oid,
  });
  incremental.begin([table("a", 1), table("b", 2)]);
  expect(incremental.isInitial).toBe(true);
  incremental.add([table("c", null)]);
  incremental.begin([table("b", 2)]);
  expect(incremental.position.tables.map(({ id }) => id)).toEqual(["c", "b"]);
  incremental.begin([]);
  expect(incremental.isInitial).toBe(false);
});

test("a stop without tables leaves those of the initial snapshot; one that names a table ends it", () => {
  const incremental = new IncrementalSnapshot(null, silentLogger);
  const table = { condition: null, surrogateKey: null, correlationId: null };
  incremental.begin([{ ...table, id: "public.first", oid: 7 }]);
  incremental.add([{ ...table, id: "public.asked", oid: null }]);
  incremental.stop(null);
  expect(incremental.position.tables.map(({ id }) => id)).toEqual(["public.first"]);
  incremental.stop((id) => id === "public.first");
  expect(incremental.position.tables).toEqual([]);
});
