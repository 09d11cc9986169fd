import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Props, Schema, SourceRecord, Struct } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
import { plain, plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

let server: PostgresServer;
let db: TestDatabase;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  db = await freshDatabase(server);
  await db.execute(
    "CREATE EXTENSION hstore",
    "CREATE EXTENSION citext",
    "CREATE EXTENSION ltree",
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy')",
    "CREATE DOMAIN price AS numeric(6,2)",
    "CREATE DOMAIN feeling AS mood",
    "CREATE TYPE pair AS (a int, b int)",
  );
});

/** A column: its type in SQL, a value, and the expected schema (short) and value. */
type Column = readonly [type: string, value: string, schema: string, expected: unknown];

/** A schema in one line: type, name, parameters. */
function shortSchema(schema: Schema): string {
  const name =
    schema.name === undefined
      ? ""
      : ` ${schema.name.replace("io.debezium.", "").replace("org.apache.kafka.connect.data.", "connect.")}`;
  const parameters = schema.parameters ? ` ${JSON.stringify(schema.parameters)}` : "";
  const items =
    schema.type === "array" ? `<${shortSchema(schema.valueSchema!)}${schema.valueSchema!.optional ? "?" : ""}>` : "";
  return `${schema.type}${items}${name}${parameters}`;
}

/** Writes one row into a table of these columns before the snapshot and one after it, and checks both. */
async function expectColumns(columns: readonly Column[], more: Props = {}): Promise<void> {
  const names = columns.map((_, index) => `c${index}`);
  await db.execute(
    `CREATE TABLE t(id serial PRIMARY KEY, ${columns.map(([type], index) => `${names[index]} ${type}`).join(", ")})`,
    `INSERT INTO t(${names.join(", ")}) VALUES (${columns.map(([, value]) => value).join(", ")})`,
  );
  const driver = await TaskDriver.start(db.props(more));
  const [snapshot] = await driver.read(1);
  await db.execute(`INSERT INTO t(${names.join(", ")}) VALUES (${columns.map(([, value]) => value).join(", ")})`);
  const [streamed] = await driver.read(1);
  await driver.stop();
  const described = (record: SourceRecord) => {
    const row = (record.value as Struct).get("after") as Struct;
    return columns.map(([type, value], index) => {
      const field = row.schema.field(names[index]!);
      return field
        ? [type, value, shortSchema(field.schema), plain(row.at(field.index))]
        : [type, value, "absent", undefined];
    });
  };
  expect(described(snapshot!)).toEqual(columns);
  expect(described(streamed!)).toEqual(columns);
}

describe("snapshot and stream emit the same values and schemas", () => {
  test("for numbers, texts and other scalars", async () => {
    await expectColumns([
      ["boolean", "true", "boolean", true],
      ["smallint", "-32768", "int16", -32768],
      ["integer", "2147483647", "int32", 2147483647],
      ["bigint", "42", "int64", 42],
      ["bigint", "9223372036854775807", "int64", "9223372036854775807n"],
      ["bigint", "-9007199254740991", "int64", -9007199254740991],
      ["oid", "4294967295", "int64", 4294967295],
      ["real", "1.1", "float32", Math.fround(1.1)],
      ["real", "'NaN'", "float32", Number.NaN],
      ["double precision", "-1e300", "float64", -1e300],
      ["double precision", "'-Infinity'", "float64", Number.NEGATIVE_INFINITY],
      ["numeric(3,2)", "1.1", 'bytes connect.Decimal {"scale":"2","connect.decimal.precision":"3"}', "0x6e"],
      ["numeric(4,0)", "10.11", 'bytes connect.Decimal {"scale":"0","connect.decimal.precision":"4"}', "0x0a"],
      ["numeric(6,4)", "22.22", 'bytes connect.Decimal {"scale":"4","connect.decimal.precision":"6"}', "0x0363f8"],
      [
        "numeric(38,10)",
        "-12345678901234567890.5",
        'bytes connect.Decimal {"scale":"10","connect.decimal.precision":"38"}',
        "0xfe7116f0093c8c1f10d1510600",
      ],
      ["numeric(5,-3)", "123456", 'bytes connect.Decimal {"scale":"0","connect.decimal.precision":"8"}', "0x01e078"],
      ["numeric(2,5)", "0.00012", 'bytes connect.Decimal {"scale":"5","connect.decimal.precision":"2"}', "0x0c"],
      ["numeric", "10.1111", "struct data.VariableScaleDecimal", { scale: 4, value: "0x018af7" }],
      ["numeric", "10", "struct data.VariableScaleDecimal", { scale: 0, value: "0x0a" }],
      ["numeric", "'NaN'", "struct data.VariableScaleDecimal", null],
      ["money", "'-1234.11'", 'bytes connect.Decimal {"scale":"2"}', "0xfe1ded"],
      ["price", "12.34", 'bytes connect.Decimal {"scale":"2","connect.decimal.precision":"6"}', "0x04d2"],
      [
        "text",
        "E'quote \" tab \\t back \\\\ null \\\\N é 日本 😀'",
        "string",
        'quote " tab \t back \\ null \\N é 日本 😀',
      ],
      ["text", "''", "string", ""],
      ["text", "'\\N'", "string", "\\N"],
      ["varchar(10)", "'abc'", "string", "abc"],
      ["char(4)", "'ab'", "string", "ab  "],
      ["citext", "'Ab'", "string", "Ab"],
      ["bytea", "'\\x00ff5c'", "bytes", "0x00ff5c"],
      ["uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "string data.Uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
      ["json", `'{"a": [1,2]}'`, "string data.Json", '{"a": [1,2]}'],
      ["jsonb", `'{"b":1,"a":null}'`, "string data.Json", '{"a": null, "b": 1}'],
      ["xml", "'<a/>'", "string data.Xml", "<a/>"],
      ["mood", "'very happy'", 'string data.Enum {"allowed":"sad,ok,very happy"}', "very happy"],
      ["feeling", "'ok'", 'string data.Enum {"allowed":"sad,ok,very happy"}', "ok"],
      ["inet", "'192.168.1.5/24'", "string", "192.168.1.5/24"],
      ["cidr", "'10.0.0.0/8'", "string", "10.0.0.0/8"],
      ["macaddr", "'08:00:2b:01:02:03'", "string", "08:00:2b:01:02:03"],
      ["bit(1)", "B'1'", "boolean", true],
      ["bit(2)", "B'11'", 'bytes data.Bits {"length":"2"}', "0x03"],
      ["varbit(24)", "B'000000110000001000000001'", 'bytes data.Bits {"length":"24"}', "0x010203"],
      ["varbit", "B'111011010001000110000001000000001'", 'bytes data.Bits {"length":"2147483647"}', "0x010223da01"],
      ["varbit(2)", "B'00'", 'bytes data.Bits {"length":"2"}', "0x"],
      ["int4range", "'[1,5]'", "string", "[1,6)"],
      ["tsrange", "'[2019-03-31 15:30:00, infinity)'", "string", '["2019-03-31 15:30:00",infinity)'],
      ["ltree", "'a.b'", "string data.Ltree", "a.b"],
      ["hstore", "'key5=>NULL,key4=>val4'", "string data.Json", '{"key5":null,"key4":"val4"}'],
      ["tsvector", "'fat cat'", "string data.Tsvector", "'cat' 'fat'"],
      [
        "point",
        "'(1,2.5)'",
        "struct data.geometry.Point",
        { x: 1, y: 2.5, wkb: "0x0101000000000000000000f03f0000000000000440", srid: null },
      ],
      ["name", "'n'", "string", "n"],
      ["pair", "'(1,2)'", "absent", undefined],
      ["tsquery", "'fat'", "absent", undefined],
    ]);
  });

  test("for dates and times, adaptive", async () => {
    await expectColumns([
      ["date", "'2017-09-15'", "int32 time.Date", 17424],
      ["date", "'0044-03-15 BC'", "int32 time.Date", -735160],
      ["date", "'4713-01-01 BC'", "int32 time.Date", -2440550],
      ["date", "'5874897-12-31'", "int32 time.Date", 2145042905],
      ["date", "'infinity'", "int32 time.Date", -2147472692],
      ["date", "'-infinity'", "int32 time.Date", -2147472691],
      ["time", "'13:51:30.123456'", "int64 time.MicroTime", 49890123456],
      ["time", "'24:00:00'", "int64 time.MicroTime", 86400000000],
      ["time(3)", "'13:51:30.1239'", "int32 time.Time", 49890124],
      ["timetz", "'13:51:30.123789+02'", "string time.ZonedTime", "11:51:30.123789Z"],
      ["timetz", "'04:05:11 PST'", "string time.ZonedTime", "12:05:11Z"],
      ["timetz", "'12:00:00+00:00:30'", "string time.ZonedTime", "11:59:30Z"],
      ["timetz", "'24:00:00-03'", "string time.ZonedTime", "03:00:00Z"],
      ["timestamp", "'2016-11-04T13:51:30.123456'", "int64 time.MicroTimestamp", 1478267490123456],
      ["timestamp(3)", "'2016-11-04T13:51:30.123456'", "int64 time.Timestamp", 1478267490123],
      ["timestamp", "'4713-12-31T23:59:59.999999 BC'", "int64 time.MicroTimestamp", "-210831897600000001n"],
      ["timestamp", "'294247-01-01T23:59:59.999999'", "int64 time.MicroTimestamp", "9223371331199999999n"],
      ["timestamp", "'infinity'", "int64 time.MicroTimestamp", "9223372036825200000n"],
      ["timestamp(3)", "'-infinity'", "int64 time.Timestamp", "-9223372036832400n"],
      ["timestamp(3)", "'294247-01-01T23:59:59.999'", "int64 time.Timestamp", "9223371331199999n"],
      ["timestamptz", "'2020-04-01 13:51:02+02'", "string time.ZonedTimestamp", "2020-04-01T11:51:02.000000Z"],
      ["timestamptz(3)", "'2020-04-01 13:51:02.1+02'", "string time.ZonedTimestamp", "2020-04-01T11:51:02.100Z"],
      ["timestamptz(0)", "'2020-04-01 13:51:02+02'", "string time.ZonedTimestamp", "2020-04-01T11:51:02Z"],
      ["timestamptz", "'21016-11-04T13:51:30+07'", "string time.ZonedTimestamp", "+21016-11-04T06:51:30.000000Z"],
      ["timestamptz", "'4714-12-31T23:59:59.999999Z BC'", "string time.ZonedTimestamp", "-4713-12-31T23:59:59.999999Z"],
      ["timestamptz", "'-infinity'", "string time.ZonedTimestamp", "-infinity"],
      ["interval", "'P1Y2M3DT4H5M6.78S'", "int64 time.MicroDuration", 37091106780000],
      ["interval", "'1 year'", "int64 time.MicroDuration", 31557600000000],
    ]);
  });

  test("for arrays", async () => {
    await expectColumns([
      [
        "text[]",
        `'{a,NULL,"NULL","",a b,"q\\"u\\\\o","é,{}"}'`,
        "array<string?>",
        ["a", null, "NULL", "", "a b", 'q"u\\o', "é,{}"],
      ],
      ["int[]", "'{1,NULL,-3}'", "array<int32?>", [1, null, -3]],
      ["int[]", "'[0:1]={5,6}'", "array<int32?>", [5, 6]],
      ["int[]", "'{}'", "array<int32?>", []],
      ["bigint[]", "'{9223372036854775807}'", "array<int64?>", ["9223372036854775807n"]],
      [
        "uuid[]",
        "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'",
        "array<string data.Uuid?>",
        ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
      ],
      ["char(3)[]", "'{a}'", "array<string?>", ["a  "]],
      [
        "numeric(4,1)[]",
        "'{1.5,NULL}'",
        'array<bytes connect.Decimal {"scale":"1","connect.decimal.precision":"4"}?>',
        ["0x0f", null],
      ],
      ["boolean[]", "'{t,f}'", "array<boolean?>", [true, false]],
      ["jsonb[]", `ARRAY['{"a":1}']::jsonb[]`, "array<string data.Json?>", ['{"a": 1}']],
      [
        "timestamptz[]",
        "'{2020-04-01 13:51:02+02}'",
        "array<string time.ZonedTimestamp?>",
        ["2020-04-01T11:51:02.000000Z"],
      ],
      ["time[]", "'{13:51:30.123456}'", "array<int64 time.MicroTime?>", [49890123456]],
      ["mood[]", "'{sad,NULL}'", 'array<string data.Enum {"allowed":"sad,ok,very happy"}?>', ["sad", null]],
      ["bytea[]", `'{"\\\\x01"}'`, "array<bytes?>", ["0x01"]],
      ["money[]", "'{1}'", "absent", undefined],
      ["pair[]", "'{}'", "absent", undefined],
    ]);
  });

  test("in the modes of text", async () => {
    await expectColumns(
      [
        ["numeric", "'NaN'", "string", "NAN"],
        ["numeric", "'-Infinity'", "string", "NEGATIVE_INFINITY"],
        ["numeric(8,3)", "1.5", "string", "1.500"],
        ["money", "'1234.5'", "string", "1234.50"],
        ["interval", "'P1Y2M3DT4H5M6.78S'", "string time.Interval", "P1Y2M3DT4H5M6.78S"],
        ["interval", "'0'", "string time.Interval", "P0Y0M0DT0H0M0S"],
        ["interval", "'-1 year 2 mons -100:00:01.5'", "string time.Interval", "P0Y-10M0DT-100H0M-1.5S"],
        ["bytea", "'\\x010203'", "string", "AQID"],
        ["tsquery", "'fat'", "string", Buffer.from("'fat'").toString("base64")],
        ["hstore", "'a=>1'", "map", { a: "1" }],
        ["date", "'2017-09-15'", "string time.IsoDate", "2017-09-15Z"],
        ["time(3)", "'04:05:11.789'", "string time.IsoTime", "04:05:11.789Z"],
        ["timestamp", "'2016-11-04 13:51:30.5'", "string time.IsoTimestamp", "2016-11-04T13:51:30.5Z"],
      ],
      {
        "decimal.handling.mode": "string",
        "interval.handling.mode": "string",
        "binary.handling.mode": "base64",
        "hstore.handling.mode": "map",
        "time.precision.mode": "isostring",
        "include.unknown.datatypes": "true",
      },
    );
  });

  test("for times in Connect's types, and decimals as doubles", async () => {
    await expectColumns(
      [
        ["numeric(8,3)", "1.5", "float64", 1.5],
        ["date", "'2017-09-15'", "int32 connect.Date", 17424],
        ["time", "'04:05:11.789123'", "int32 connect.Time", 14711789],
        ["timestamp", "'2016-11-04 13:51:30.123456'", "int64 connect.Timestamp", 1478267490123],
        ["timestamp", "'1960-01-01 00:00:00.0005'", "int64 connect.Timestamp", -315619200000],
      ],
      { "decimal.handling.mode": "double", "time.precision.mode": "connect" },
    );
  });
});

test("defaults and nullability are in the schemas, and replace columns that a delete lacks", async () => {
  await db.execute(
    `CREATE TABLE t(id bigserial PRIMARY KEY, a text NOT NULL DEFAULT 'it''s', b text DEFAULT 'a' || 'b', c int NOT NULL DEFAULT -5,
       d numeric(5,2) DEFAULT 1.5, e timestamptz NOT NULL DEFAULT now(), f uuid DEFAULT gen_random_uuid(), g boolean NOT NULL DEFAULT true,
       h mood DEFAULT 'ok', i jsonb NOT NULL, j timestamp NOT NULL, k text[] NOT NULL, l numeric NOT NULL, m char(4) DEFAULT 'ab',
       n date DEFAULT '2020-01-02')`,
  );
  const driver = await db.stream();
  await db.execute("INSERT INTO t(i, j, k, l) VALUES ('{}', '2020-01-01', '{a}', 5)", "DELETE FROM t");
  const [, deleted] = await driver.read(3);
  await driver.stop();
  const row = (deleted!.value as Struct).get("before") as Struct;
  const defaults = Object.fromEntries(
    row.schema.fields.map(({ name, schema }) => [
      name,
      schema.hasDefault ? plain(schema.defaultValue as never) : "none",
    ]),
  );
  expect(defaults).toEqual({
    ...{ id: 0, a: "it's", b: "none", c: -5, d: "0x0096", e: "1970-01-01T00:00:00.000000Z" },
    ...{
      f: "00000000-0000-0000-0000-000000000000",
      g: true,
      h: "ok",
      i: "none",
      j: "none",
      k: "none",
      l: "none",
      m: "ab",
      n: 18263,
    },
  });
  expect(plainEvent(deleted!).before).toEqual({
    ...{ id: 1, a: "it's", b: null, c: -5, d: null, e: "1970-01-01T00:00:00.000000Z", f: null, g: true, h: null },
    ...{ i: "", j: 0, k: [], l: { scale: 0, value: "0x00" }, m: null, n: null },
  });
});

test("an unchanged large value is a placeholder that fits its schema", async () => {
  const large = "repeat('0123456789', 2000)";
  const types = [
    ["text", large, "__debezium_unavailable_value"],
    ["text[]", `ARRAY[${large}]`, ["__debezium_unavailable_value"]],
    ["bytea", `${large}::bytea`, `0x${Buffer.from("__debezium_unavailable_value").toString("hex")}`],
    ["jsonb", `to_jsonb(${large})`, "__debezium_unavailable_value"],
    ["int[]", "ARRAY(SELECT generate_series(1, 5000))", [...Buffer.from("__debezium_unavailable_value")]],
    [
      "uuid[]",
      "ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 500))",
      [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    ],
    ["hstore", `hstore('k', ${large})`, '{"__debezium_unavailable_value":"__debezium_unavailable_value"}'],
  ] as const;
  await db.execute(
    `CREATE TABLE t(id int PRIMARY KEY, small int, ${types.map(([type], index) => `c${index} ${type}`).join(", ")})`,
    ...types.map((_, index) => `ALTER TABLE t ALTER c${index} SET STORAGE EXTERNAL`),
    `INSERT INTO t VALUES (1, 1, ${types.map(([, value]) => value).join(", ")})`,
  );
  const driver = await db.stream();
  await db.execute("UPDATE t SET small = 2");
  const [updated] = await driver.read(1);
  await driver.stop();
  expect(plainEvent(updated!).after).toEqual({
    id: 1,
    small: 2,
    ...Object.fromEntries(types.map(([, , expected], index) => [`c${index}`, expected])),
  });
});

test("an unchanged large key keeps its value in the key and the row", async () => {
  await db.execute(
    "CREATE TABLE t(id text PRIMARY KEY, small int)",
    "ALTER TABLE t ALTER id SET STORAGE EXTERNAL",
    "INSERT INTO t SELECT string_agg(md5(i::text), '') || 'end', 1 FROM generate_series(1, 70) i",
  );
  const driver = await db.stream();
  await db.execute("UPDATE t SET small = 2");
  const [updated] = await driver.read(1);
  await driver.stop();
  expect(plainEvent(updated!).op).toBe("u");
  expect(plainEvent(updated!).key).toEqual({ id: expect.stringMatching(/^[0-9a-f]+end$/) });
  expect(plainEvent(updated!).after).toEqual({ id: expect.stringMatching(/^[0-9a-f]+end$/), small: 2 });
});
