import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import { ColumnWarnings } from "../../../../../connectors/postgres/tables/column-warnings.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import { newTuple, type Tuple } from "../../../../../connectors/postgres/wal/pgoutput-decoder.js";
import { ArrayStruct, type ConnectValue, DataError, type Logger, RecordHeaders } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { JsonConverter } from "../../../../../src/converters/json/json-converter.js";

const BASICS = { "topic.prefix": "p", "database.hostname": "h", "database.user": "u", "database.dbname": "d" };

interface Column {
  readonly type: string;
  readonly typmod?: number;
  readonly isArray?: boolean;
  readonly isNullable?: boolean;
  readonly defaultExpression?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
}

function tableOf(column: Column): TableSchema {
  const { type, typmod = -1, isArray = false, isNullable = true, defaultExpression = null } = column;
  const settings = parseSettings({ ...BASICS, ...column.settings });
  const base = { name: type, kind: "b", typmod, labels: [], element: null, isDomain: false };
  const resolved = isArray ? { ...base, name: `_${type}`, element: base } : base;
  return new TableSchema(
    {
      oid: 1,
      schema: "s",
      table: "t",
      columns: [{ name: "c", type: resolved, isNullable, defaultExpression }],
      keyColumns: [],
    },
    settings,
    new TableFilter(settings),
    new ColumnWarnings(column.logger ?? silentLogger),
  );
}

describe("vectors of pgvector", () => {
  test.each([
    ["vector", "[1,-2.5,1e-07]", [1, -2.5, 1e-7], "io.debezium.data.DoubleVector"],
    ["vector", "[]", [], "io.debezium.data.DoubleVector"],
    ["halfvec", "[0.5,3]", [0.5, 3], "io.debezium.data.FloatVector"],
  ])("%s %s", (type, text, expected, name) => {
    const table = tableOf({ type });
    expect(sent(table, text)).toEqual(expected);
    expect(table.rowSchema.fields[0]?.schema).toMatchObject({ type: "array", name, version: 1, optional: true });
  });

  test("sparsevec", () => {
    const table = tableOf({ type: "sparsevec" });
    const value = sent(table, "{1:1.5,3:2}/5") as ArrayStruct;
    expect([value.get("dimensions"), value.get("vector")]).toEqual([
      5,
      new Map([
        [1, 1.5],
        [3, 2],
      ]),
    ]);
    expect((sent(table, "{}/3") as ArrayStruct).get("vector")).toEqual(new Map());
    expect(sent(table, "{1:1}/40000")).toBeNull();
  });

  test("arrays", () => {
    expect(sent(tableOf({ type: "vector", isArray: true }), '{"[1,2.5]",NULL,[]}')).toEqual([[1, 2.5], null, []]);
    const table = tableOf({ type: "sparsevec", isArray: true });
    const [value] = sent(table, '{"{1:1.5}/5"}') as ArrayStruct[];
    expect(value!.get("vector")).toEqual(new Map([[1, 1.5]]));
    expect(table.rowSchema.fields[0]?.schema.valueSchema).toBe(value!.schema);
  });

  test("that are none are refused", () => {
    expect(() => sent(tableOf({ type: "vector", isNullable: false }), "[x]")).toThrow(/a number of the vector is none/);
    expect(() => sent(tableOf({ type: "halfvec", isNullable: false }), "1")).toThrow(/no vector in pgvector's form/);
  });
});

describe("names", () => {
  const named = (
    names: readonly string[],
    settings: Readonly<Record<string, string>>,
    keyColumns: readonly string[] = [],
  ) => {
    const parsed = parseSettings({ ...BASICS, ...settings });
    const type = { name: "int4", kind: "b", typmod: -1, labels: [], element: null, isDomain: false };
    const columns = names.map((name) => ({
      name,
      type,
      isNullable: true,
      defaultExpression: null,
    }));
    const definition = { oid: 1, schema: "s", table: "a-b", columns, keyColumns };
    return new TableSchema(definition, parsed, new TableFilter(parsed), new ColumnWarnings(silentLogger));
  };
  const fieldsOf = (table: TableSchema) => table.rowSchema.fields.map(({ name }) => name);

  test("of schemas and fields are adjusted, each by its own mode", () => {
    const avro = { "schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro_unicode" };
    const table = named(["9", "a-b", "a_b"], avro, ["9"]);
    expect([table.topic, table.keySchema?.name, table.rowSchema.name, table.envelopeSchema.name]).toEqual([
      "p.s.a-b",
      "p.s.a_b.Key",
      "p.s.a_b.Value",
      "p.s.a_b.Envelope",
    ]);
    expect(fieldsOf(table)).toEqual(["_u0039", "a_u002db", "a_u005fb"]);
    expect(fieldsOf(named(["9", "a.b"], { "field.name.adjustment.mode": "avro" }))).toEqual(["_9", "a_b"]);
  });

  test("that become the same are refused with both", () => {
    expect(() => named(["a-b", "a_b"], { "field.name.adjustment.mode": "avro" })).toThrow(
      /a-b and a_b of s\.a-b are both named a_b by field\.name\.adjustment\.mode=avro/,
    );
  });

  test("of tables that share a topic are in its keys", () => {
    const regex = {
      "topic.naming.strategy": "io.debezium.schema.SchemaRegexTopicNamingStrategy",
      ...{ "topic.regex": "(.*)-b", "topic.replacement": "$1" },
    };
    const table = named(["id"], regex, ["id"]);
    const tuple = tupleOf("7");
    expect([table.topic, table.rowSchema.name]).toEqual(["p.s.a", "p.s.a.Value"]);
    const key = table.readKey(tuple, table.readRow(tuple));
    expect([key?.get("id"), key?.get("__dbz__physicalTableIdentifier")]).toEqual([7, "p.s.a-b"]);
    expect(named(["id"], regex).readKey(tuple, [7])?.schema.fields).toHaveLength(1);
    expect(named(["id"], { ...regex, "topic.key.enforce.uniqueness": "false" }).keySchema).toBeNull();
  });
});

function tupleOf(text: string): Tuple {
  const tuple = newTuple();
  tuple.bytes = Buffer.from(text, "utf8");
  tuple.count = 1;
  tuple.kinds[0] = 0;
  tuple.starts[0] = 0;
  tuple.ends[0] = tuple.bytes.length;
  return tuple;
}

const converters = ["true", "false"].map((enable) => {
  const converter = new JsonConverter();
  converter.configure({ "schemas.enable": enable }, false);
  return converter;
});

/** The value as read, after JsonConverter has accepted it with its schema and without. */
function sent(table: TableSchema, text: string): ConnectValue {
  const row = table.readRow(tupleOf(text));
  for (const converter of converters)
    converter.fromConnectData("t", new RecordHeaders(), table.rowSchema, new ArrayStruct(table.rowSchema, row));
  return row[0]!;
}

const TIME_MODES = ["adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds"];
const warnings = () => {
  const logged: string[] = [];
  return { logged, logger: { ...silentLogger, warn: (message: string) => logged.push(message) } as unknown as Logger };
};

describe("a timestamp outside its schema's range", () => {
  const LAST = "294247-01-10 04:00:54.775807";
  const BEYOND = "294247-01-10 04:00:54.775808";

  test("is null with a warning that names column and remedy, once", () => {
    for (const mode of ["adaptive", "adaptive_time_microseconds", "microseconds"]) {
      const { logged, logger } = warnings();
      const table = tableOf({ type: "timestamp", settings: { "time.precision.mode": mode }, logger });
      expect([mode, sent(table, LAST), sent(table, BEYOND), sent(table, "294276-12-31 23:59:59.999999")]).toEqual([
        mode,
        2n ** 63n - 1n,
        null,
        null,
      ]);
      expect(logged).toEqual([
        expect.stringMatching(/^Column c of s.t has a value .*time.precision.mode=isostring and connect can represent/),
      ]);
    }
  });

  test("makes a whole array null", () => {
    const table = tableOf({ type: "timestamp", isArray: true });
    expect(sent(table, `{"${LAST}","${BEYOND}"}`)).toBeNull();
    expect(sent(table, `{"${LAST}"}`)).toEqual([2n ** 63n - 1n]);
  });

  test("stops the task if the column is required, and under fail", () => {
    for (const column of [
      { type: "timestamp", isNullable: false },
      { type: "timestamp", settings: { "event.converting.failure.handling.mode": "fail" } },
    ])
      expect(() => sent(tableOf(column), BEYOND)).toThrow(
        expect.objectContaining({
          name: "DataError",
          message: expect.stringMatching(/^Column c of s.t .*time.precision.mode=isostring and connect/),
        }),
      );
  });

  test("is kept under connect and isostring", () => {
    const read = (mode: string) =>
      sent(tableOf({ type: "timestamp", settings: { "time.precision.mode": mode } }), BEYOND);
    expect([read("connect"), read("isostring")]).toEqual([9223372036854775n, "+294247-01-10T04:00:54.775808Z"]);
  });

  test("is left out as a default, with a warning", () => {
    const { logged, logger } = warnings();
    const table = tableOf({ type: "timestamp", defaultExpression: `'${BEYOND}'::timestamp without time zone`, logger });
    expect(table.rowSchema.fields[0]!.schema.hasDefault).toBe(false);
    expect(logged).toEqual([
      expect.stringMatching(/default is left out of its schema: A timestamp is outside the range/),
    ]);
    expect(sent(table, "2024-01-01 00:00:00")).toBe(1_704_067_200_000_000);
  });
});

test("a default that the column itself would refuse on insert is left out", () => {
  for (const [type, expression] of [
    ["int2", "32768"],
    ["int4", "'2147483648'::bigint"],
    ["int8", "'9223372036854775808'::numeric"],
    ["int4", "1.5"],
    ["float8", "'nonsense'::text"],
  ] as const) {
    const table = tableOf({ type, defaultExpression: expression });
    expect([type, expression, table.rowSchema.fields[0]!.schema.hasDefault]).toEqual([type, expression, false]);
    expect(sent(table, "1")).toBeDefined();
  }
});

test("a warning about a column is logged once, however often its table is described", () => {
  const { logged, logger } = warnings();
  const shared = new ColumnWarnings(logger);
  for (let version = 0; version < 3; version++) {
    shared.warn("No converter for the type of a column", { column: "s.t.c", type: "box" });
    shared.warn("No converter for the type of a column", { column: "s.t.d", type: "box" });
  }
  expect(logged).toHaveLength(2);
});

describe("no value of a type kills the task", () => {
  const digits = (most: number) =>
    fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((all) => all.join(""));
  const signed = (text: fc.Arbitrary<string>) =>
    fc.tuple(fc.constantFrom("", "-"), text).map((parts) => parts.join(""));
  const pad = (value: number, width = 2) => String(value).padStart(width, "0");
  const upTo = (max: number) => fc.integer({ min: 0, max });
  const year = (last: number) =>
    fc.oneof(
      fc.constantFrom(1, 1582, 1677, 1969, 1970, 2262, 9999, 10_000, 294_246, 294_247, last),
      fc.integer({ min: 1, max: last }),
    );
  const date = (last: number) =>
    fc
      .tuple(year(last), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }), fc.boolean())
      .map(([y, month, day, isBc]) => ({
        day: `${pad(isBc ? Math.min(y, 4713) : y, 4)}-${pad(month)}-${pad(day)}`,
        era: isBc ? " BC" : "",
      }));
  const clock = fc
    .tuple(upTo(23), upTo(59), upTo(59), fc.constantFrom("", ".1", ".999999", ".000001"))
    .map(([hour, minute, second, fraction]) => `${pad(hour)}:${pad(minute)}:${pad(second)}${fraction}`);
  const either = (...fixed: string[]) => fc.constantFrom("infinity", "-infinity", ...fixed);
  const timestamp = fc.oneof(
    either("294276-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC"),
    fc.tuple(date(294_276), clock).map(([{ day, era }, time]) => `${day} ${time}${era}`),
  );
  const timestamptz = fc.oneof(
    either("294276-12-31 23:59:59.999999+00", "4714-11-24 00:00:00+00 BC"),
    fc.tuple(date(294_276), clock).map(([{ day, era }, time]) => `${day} ${time}+00${era}`),
  );
  const numeric = fc.oneof(
    fc.constantFrom("NaN", "Infinity", "-Infinity", "0", `${"9".repeat(1_000)}.${"9".repeat(500)}`),
    signed(
      fc
        .tuple(
          digits(60),
          fc.oneof(
            fc.constant(""),
            digits(40).map((text) => `.${text}`),
          ),
        )
        .map((parts) => parts.join("")),
    ),
  );
  const int64 = fc.oneof(
    fc.constantFrom("9223372036854775807", "-9223372036854775808", "9007199254740993"),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  );
  const interval = fc.oneof(
    either("178000000 years", "-178000000 years -11 mons", "2562047788:00:54.775807", "-2562047788:00:54.775808"),
    fc
      .tuple(
        fc.maxSafeInteger(),
        fc.maxSafeInteger(),
        upTo(2_562_047_787),
        upTo(59),
        fc.constantFrom("", ".000001", ".5"),
      )
      .map(
        ([years, days, hours, minute, fraction]) =>
          `${years % 178_000_000} years ${days % 2_147_483_648} days ${hours}:${pad(minute)}:00${fraction}`,
      ),
  );
  const money = fc.oneof(
    fc.constantFrom("$92,233,720,368,547,758.07", "-$92,233,720,368,547,758.08", "($1.00)", "1.234,50 €", "¥1,234"),
    signed(digits(17)),
  );
  const float = fc.constantFrom(
    "NaN",
    "Infinity",
    "-Infinity",
    "1e-45",
    "3.4028235e+38",
    "1.7976931348623157e+308",
    "-0",
  );

  const TYPES: readonly (readonly [type: string, texts: fc.Arbitrary<string>, typmods: readonly number[]])[] = [
    ["timestamp", timestamp, [-1, 0, 3, 6]],
    ["timestamptz", timestamptz, [-1, 0, 3]],
    [
      "date",
      fc.oneof(
        either("5874897-12-31", "4714-11-24 BC"),
        date(5_874_897).map(({ day, era }) => day + era),
      ),
      [-1],
    ],
    ["time", fc.oneof(fc.constant("24:00:00"), clock), [-1, 0, 3]],
    ["timetz", fc.tuple(clock, fc.constantFrom("+00", "+15:59:59", "-15:59:59")).map((parts) => parts.join("")), [-1]],
    ["interval", interval, [-1]],
    // numeric, numeric(38,10), numeric(1000,0), numeric(5,-3)
    ["numeric", numeric, [-1, (38 << 16) + 10 + 4, (1000 << 16) + 4, (5 << 16) + 2045 + 4]],
    ["money", money, [-1]],
    ["int2", fc.constantFrom("32767", "-32768"), [-1]],
    ["int4", fc.constantFrom("2147483647", "-2147483648"), [-1]],
    ["int8", int64, [-1]],
    ["oid", fc.constantFrom("0", "4294967295"), [-1]],
    ["float4", float.filter((text) => !/308/.test(text)), [-1]],
    ["float8", float, [-1]],
    ["bit", digits(40).map((text) => text.replace(/[2-9]/g, "1")), [-1, 40]],
    ["varbit", digits(40).map((text) => text.replace(/[2-9]/g, "1")), [-1]],
    ["point", fc.constantFrom("(0,0)", "(1e+308,-1e-300)", "(NaN,Infinity)"), [-1]],
  ];
  const MODES = fc.record({
    "time.precision.mode": fc.constantFrom(...TIME_MODES),
    "decimal.handling.mode": fc.constantFrom("precise", "double", "string"),
    "interval.handling.mode": fc.constantFrom("numeric", "string"),
    "money.fraction.digits": fc.constantFrom("0", "2", "10"),
    "event.converting.failure.handling.mode": fc.constantFrom("warn", "skip", "fail"),
  });

  for (const [type, texts, typmods] of TYPES) {
    test(`of ${type}: each is sent, sent as null, or refused with its column's name`, () => {
      fc.assert(
        fc.property(
          MODES,
          texts,
          fc.record({
            typmod: fc.constantFrom(...typmods),
            isNullable: fc.boolean(),
            isArray: fc.boolean(),
            isDefault: fc.boolean(),
          }),
          (settings, text, { typmod, isNullable, isArray, isDefault }) => {
            const column = { type, typmod, isNullable, isArray: isArray && type !== "interval", settings };
            const table = tableOf({ ...column, ...(isDefault && { defaultExpression: `'${text}'::${type}` }) });
            const mayFail = !isNullable || settings["event.converting.failure.handling.mode"] === "fail";
            try {
              sent(table, column.isArray ? `{"${text}",NULL}` : text);
            } catch (error) {
              expect(error).toBeInstanceOf(DataError);
              expect((error as Error).message).toMatch(/^Column c of s\.t has a value/);
              expect(mayFail).toBe(true);
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  }
});
