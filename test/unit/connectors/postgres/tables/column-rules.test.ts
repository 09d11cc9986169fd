import { expect, test } from "vitest";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import { ColumnWarnings } from "../../../../../connectors/postgres/tables/column-warnings.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import {
  NULL,
  newTuple,
  type Tuple,
  UNCHANGED,
  VALUE,
} from "../../../../../connectors/postgres/wal/pgoutput-decoder.js";
import type { Struct } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly typmod?: number;
  readonly isNullable?: boolean;
  readonly defaultExpression?: string;
}

const VARCHAR_20 = 24;

function tableOf(rules: Readonly<Record<string, string>>, columns: readonly Column[], keyColumns: string[] = []) {
  const settings = parseSettings({
    ...{ "topic.prefix": "p", "database.hostname": "h", "database.user": "u", "database.dbname": "d" },
    ...rules,
  });
  const definition = {
    oid: 1,
    schema: "s",
    table: "t",
    keyColumns,
    columns: columns.map(({ name, type, typmod = -1, isNullable = true, defaultExpression = null }) => ({
      name,
      type: { name: type, kind: "b", typmod, labels: [], element: null, isDomain: false },
      isNullable,
      defaultExpression,
    })),
  };
  return new TableSchema(definition, settings, new TableFilter(settings), new ColumnWarnings(silentLogger));
}

/** undefined: not sent. */
function tupleOf(...texts: readonly (string | null | undefined)[]): Tuple {
  const tuple = newTuple();
  tuple.bytes = Buffer.from(texts.map((text) => text ?? "").join(""), "utf8");
  tuple.count = texts.length;
  let at = 0;
  for (const [index, text] of texts.entries()) {
    tuple.kinds[index] = text === undefined ? UNCHANGED : text === null ? NULL : VALUE;
    tuple.starts[index] = at;
    at += Buffer.byteLength(text ?? "");
    tuple.ends[index] = at;
  }
  return tuple;
}

const parameters = (table: TableSchema) => table.rowSchema.fields.map(({ schema }) => schema.parameters);

test("hashes are those of Debezium, cut to the column's length", () => {
  const columns = [
    { name: "short", type: "varchar", typmod: VARCHAR_20 },
    { name: "long", type: "varchar", typmod: 259 },
    { name: "number", type: "int4" },
  ];
  const v1 = tableOf({ "column.mask.hash.SHA-256.with.salt.CzQMA0cB5K": "s.t.*" }, columns);
  expect(v1.readRow(tupleOf("test", "hello", "7"))).toEqual([
    "8e68c68edbbac316dfe2",
    "b4d39ab0d198fb4cac8b2f023da74f670bcaf192dcc79b5d6361b7ae6b2fafdf",
    7,
  ]);
  expect(parameters(v1)).toEqual([{ masked: "true" }, { masked: "true" }, { masked: "true" }]);
  expect(v1.readRow(tupleOf(null, "", null))[0]).toBeNull();
  const v2 = tableOf({ "column.mask.hash.v2.SHA-256.with.salt.x": "s.t.long" }, columns);
  // printf 'xh\u00e9\U0001F600' | sha256sum
  expect(v2.readRow(tupleOf(null, "hé😀", null))[1]).toBe(
    "d27d9b107dff4742948e73ed87a8da52f7b92d2f4fb0b9ef6bfd918aca7c9c71",
  );
});

test("masks replace texts, also NULL and what was not sent; keys stay whole", () => {
  const table = tableOf(
    { "column.mask.with.3.chars": "s.t.id,s.t.secret,s.t.number" },
    [
      { name: "id", type: "text", isNullable: false },
      { name: "secret", type: "text" },
      { name: "number", type: "int4" },
    ],
    ["id"],
  );
  for (const [secret, number] of [
    ["x", "1"],
    [null, null],
    [undefined, "1"],
  ] as const) {
    const tuple = tupleOf("key", secret, number);
    const row = table.readRow(tuple);
    expect(row).toEqual(["***", "***", number === null ? null : 1]);
    expect((table.readKey(tuple, row) as Struct).at(0)).toBe("key");
  }
  expect(table.keySchema!.field("id")!.schema.parameters).toBeUndefined();
});

test("texts and bytes are cut, by UTF-16 unit; placeholders are not", () => {
  const table = tableOf({ "column.truncate.to.2.chars": "s.t.*" }, [
    { name: "t", type: "text", isNullable: false, defaultExpression: "'secret'::text" },
    { name: "b", type: "bytea" },
    { name: "short", type: "bpchar", typmod: 6 },
    { name: "e", type: "text" },
  ]);
  expect(table.readRow(tupleOf("abc", "\\x010203", "ab", "a😀"))).toEqual(["ab", Buffer.from([1, 2]), "ab", "a\ud83d"]);
  // The schema's default stays, as in Debezium; what stands for an absent value is cut.
  expect(table.rowSchema.field("t")!.schema.defaultValue).toBe("secret");
  expect(table.readRow(tupleOf(null, null, null, undefined))).toEqual([
    "se",
    null,
    null,
    "__debezium_unavailable_value",
  ]);
  expect(parameters(table)[0]).toEqual({ truncateLength: "2" });
});

test("numbers whose form is bytes are not cut", () => {
  const table = tableOf({ "column.truncate.to.1.chars": "s.t.*" }, [
    { name: "n", type: "numeric", typmod: ((10 << 16) | 2) + 4 },
    { name: "b", type: "bit", typmod: 20 },
  ]);
  expect(table.readRow(tupleOf("12345678.90", "10000000000000000000"))).toEqual([
    Buffer.from("499602d2", "hex"),
    Buffer.from("000008", "hex"),
  ]);
});

test("source types are propagated with the driver's lengths and scales, beside parameters of the type itself", () => {
  const table = tableOf(
    { "column.propagate.source.type": "s.t.n.*", "datatype.propagate.source.type": "s.t.varchar" },
    [
      { name: "n", type: "numeric", typmod: ((10 << 16) | 2) + 4 },
      { name: "n0", type: "numeric" },
      { name: "nt", type: "timestamp", typmod: 1 },
      { name: "nc", type: "char" },
      { name: "v", type: "varchar", typmod: VARCHAR_20 },
      { name: "x", type: "int4" },
    ],
  );
  const source = (name: string, type: string, length: number, scale: number) => ({
    "__debezium.source.column.type": type,
    "__debezium.source.column.length": String(length),
    "__debezium.source.column.scale": String(scale),
    "__debezium.source.column.name": name,
  });
  expect(parameters(table)).toEqual([
    { scale: "2", "connect.decimal.precision": "10", ...source("n", "NUMERIC", 10, 2) },
    source("n0", "NUMERIC", 131_089, 0),
    source("nt", "TIMESTAMP", 25, 1),
    source("nc", "CHAR", 1, 0),
    source("v", "VARCHAR", 20, 0),
    undefined,
  ]);
});
