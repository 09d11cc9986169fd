import fc from "fast-check";
import type { RecordTexts, TransformCase } from "./java-transformer.js";
import {
  envelope,
  eventRecord,
  fieldsOf,
  type Kind,
  list,
  optionalProps,
  type Props,
  quoted,
  SCALARS,
  withSchema,
} from "./transform-cases.js";

const SOURCE = `{"type":"struct","fields":[${fieldsOf({
  table: '{"type":"string","optional":false,"default":"none"',
  ts_ms: '{"type":"int64","optional":true',
  ts_us: '{"type":"int64","optional":true',
  ts_ns: '{"type":"int64","optional":true',
})}],"optional":false,"name":"io.debezium.Source"`;

/** A row's fields, each with its values. */
type RowKind = Readonly<Record<string, { readonly schema: string; readonly payload: fc.Arbitrary<string> }>>;

const TIME_MS = fc.oneof(
  // Around changes of offsets, and far from any.
  fc.constantFrom(1711846800000, 1729987200000, 0, -2208988800000, 4102444800000, -62135596800000, 951782400000),
  fc.integer({ min: -4_000_000_000_000, max: 5_000_000_000_000 }),
  fc.integer({ min: 1_700_000_000_000, max: 1_735_000_000_000 }),
);
const NANO_RANGE_MS = TIME_MS.filter((ms) => ms > -9_000_000_000_000 && ms < 9_000_000_000_000);
const int64Times = (name: string, perMs: bigint) => ({
  schema: `{"type":"int64","optional":true,"name":"${name}","version":1`,
  payload: fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(perMs > 1_000n ? NANO_RANGE_MS : TIME_MS, fc.bigInt({ min: 0n, max: perMs - 1n }))
        .map(([ms, rest]) => String(BigInt(ms) * perMs + rest)),
    },
    { weight: 1, arbitrary: fc.constant("null") },
  ),
});
const offset = fc.constantFrom("Z", "Z", "+02:00", "-05:30", "+00:00:30");
const fraction = fc.constantFrom("", ".5", ".120", ".123456", ".000000001");
const zonedTexts = (shown: (iso: string) => string) =>
  fc
    .tuple(TIME_MS, fraction, offset)
    .map(([ms, digits, end]) => quoted(`${shown(new Date(ms).toISOString())}${digits}${end}`));
const TIMES: RowKind = {
  at: {
    schema: '{"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","version":1',
    payload: fc.oneof(
      zonedTexts((iso) => iso.slice(0, 19)).filter((text) => !text.startsWith('"-') && !text.startsWith('"+')),
      fc.constantFrom(
        "null",
        '"+21016-11-04T06:51:30.000000Z"',
        '"-4713-12-31T23:59:59.999999Z"',
        '"0000-01-01T00:00:00Z"',
      ),
    ),
  },
  clock: {
    schema: '{"type":"string","optional":true,"name":"io.debezium.time.ZonedTime","version":1',
    payload: zonedTexts((iso) => iso.slice(11, 19)),
  },
  ms: int64Times("io.debezium.time.Timestamp", 1n),
  us: int64Times("io.debezium.time.MicroTimestamp", 1_000n),
  ns: int64Times("io.debezium.time.NanoTimestamp", 1_000_000n),
  ts: int64Times("org.apache.kafka.connect.data.Timestamp", 1n),
  day: {
    schema: '{"type":"int32","optional":true,"name":"io.debezium.time.Date","version":1',
    payload: fc.constant("5"),
  },
  plain: { schema: '{"type":"int64","optional":false', payload: fc.constant("7") },
};

/** Events of one schema whose rows have these fields. */
function eventsOf(row: RowKind, table: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const schemas = Object.fromEntries(Object.entries(row).map(([name, { schema }]) => [name, schema]));
  const rowSchema = `{"type":"struct","fields":[${fieldsOf(schemas)}],"optional":true,"name":"shop.orders.Value"`;
  const schema = `{"type":"struct","fields":[${fieldsOf({
    before: rowSchema,
    after: rowSchema,
    source: SOURCE,
    op: '{"type":"string","optional":false',
    ts_ms: '{"type":"int64","optional":true',
  })}],"optional":false,"name":"shop.orders.Envelope"}`;
  const rows = fc.record(Object.fromEntries(Object.entries(row).map(([name, { payload }]) => [name, payload]))).map(
    (fields) =>
      `{${Object.entries(fields)
        .map(([name, value]) => `${quoted(name)}:${value}`)
        .join(",")}}`,
  );
  const changes = fc.oneof(
    fc.tuple(rows, rows, fc.constantFrom("u", "c")),
    rows.map((same) => [same, same, "u"] as const),
    fc.tuple(fc.constant("null"), rows, fc.constantFrom("c", "r")),
    fc.tuple(rows, fc.constant("null"), fc.constant("d")),
    fc.constant(["null", "null", "t"] as const),
    fc.constant(["null", "null", "m"] as const),
  );
  return fc.tuple(changes, table, fc.oneof(fc.constant(null), NANO_RANGE_MS)).map(([[before, after, op], name, ms]) => {
    const source = `{"table":${quoted(name)},"ts_ms":${ms},"ts_us":${ms === null ? ms : BigInt(ms) * 1000n},"ts_ns":${ms === null ? ms : BigInt(ms) * 1000000n}}`;
    return `{"schema":${schema},"payload":{"before":${before},"after":${after},"source":${source},"op":"${op}","ts_ms":${ms}}}`;
  });
}

const TABLES = fc.constantFrom("orders", "items");

function records(
  value: fc.Arbitrary<string | null>,
  headers: RecordTexts["headers"] = [],
): fc.Arbitrary<RecordTexts[]> {
  const record: fc.Arbitrary<RecordTexts> = fc.record({
    // The real PartitionRouting fails on a sink's record.
    sink: fc.constant(false),
    topic: fc.constantFrom("shop.public.orders", "shop.public.items"),
    timestamp: fc.constant(null),
    key: fc.constant(null),
    value: fc.oneof(
      { weight: 8, arbitrary: value },
      { weight: 1, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: withSchema.map(envelope) },
    ),
    headers: fc.constant(headers),
  });
  return fc.array(record, { minLength: 3, maxLength: 8 });
}

function cases(
  type: string,
  props: fc.Arbitrary<Props>,
  all: fc.Arbitrary<RecordTexts[]>,
): fc.Arbitrary<TransformCase> {
  return fc.record({ type: fc.constant(`io.debezium.${type}`), props, records: all });
}

/** Rows of scalars. Java hashes and compares bytes by their identity in memory. */
const scalarEvents = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom("a", "b", "c", "id", "ts"),
      fc.constantFrom(...SCALARS.filter(({ attributes }) => attributes !== '"type":"bytes"')),
    ),
    { minLength: 1, maxLength: 5, selector: ([name]) => name },
  )
  .chain((fields) => {
    const row = Object.fromEntries(
      fields.map(([name, kind]: [string, Kind]) => {
        const payload = fc.oneof({ weight: 8, arbitrary: kind.payload }, { weight: 1, arbitrary: fc.constant("null") });
        return [name, { schema: `{${kind.attributes},"optional":true`, payload }];
      }),
    );
    return records(eventsOf(row, TABLES));
  });

const HEADER_VALUES = [
  '{"schema":{"type":"string","optional":false},"payload":"h"}',
  '{"schema":{"type":"int32","optional":true},"payload":7}',
  '{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"s"}],"optional":false,"name":"S"},"payload":{"s":"x"}}',
];
const headerCases: fc.Arbitrary<TransformCase> = fc
  .uniqueArray(fc.tuple(fc.constantFrom("h1", "h2", "other"), fc.constantFrom(...HEADER_VALUES)), {
    maxLength: 3,
    selector: ([name]) => name,
  })
  .chain((headers) =>
    cases(
      "transforms.HeaderToValue",
      fc.oneof(
        {
          weight: 8,
          arbitrary: fc.record({
            headers: fc.constantFrom("h1", "h1,h2", "h2,h1"),
            fields: fc.constantFrom(
              "x",
              "x,y",
              "after.x",
              "after.x,after.y",
              "x,source.y",
              "fresh.x",
              "fresh.x,fresh.y",
              "city,x",
              "x y",
            ),
            operation: fc.constantFrom("move", "copy", "MOVE"),
          }),
        },
        {
          weight: 1,
          arbitrary: optionalProps({
            headers: fc.constantFrom("h1", ""),
            fields: fc.constantFrom("x", ",x"),
            operation: fc.constantFrom("move", "x"),
          }),
        },
      ),
      fc.array(eventRecord, { minLength: 3, maxLength: 8 }).map((all) => all.map((each) => ({ ...each, headers }))),
    ),
  );

const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Africa/Monrovia",
  "UTC",
  "Pacific/Apia",
];
const OTHER_ZONES = ["+08:00", "-03:30", "+01:02:03", "Etc/GMT+5", "europe/berlin", "x", "+8", ""];
const rules = list(
  fc.uniqueArray(
    fc.constantFrom(
      "source:orders",
      "source:orders:at",
      "topic:shop.public.items",
      "topic:shop.public.items:us",
      "orders:ms",
      "items:after.ns",
      "shop.public.orders:clock",
      "source:items:source.ts_ms",
      "orders",
      "source:items:before.at",
    ),
    { minLength: 1, maxLength: 2 },
  ),
);

const schemaChanges = fc
  .tuple(fc.constantFrom("CREATE", "ALTER", "DROP", "x"), fc.constantFrom(0, 1, 2, -1))
  .map(([type, count]) => {
    const table = `{"type":"struct","fields":[${fieldsOf({ type: '{"type":"string","optional":false' })}],"optional":false`;
    const schema = `{"type":"struct","fields":[${fieldsOf({ tableChanges: `{"type":"array","optional":true,"items":${table}}` })}],"optional":false,"name":"io.debezium.connector.mysql.SchemaChangeValue"}`;
    const changes = count < 0 ? null : new Array(count).fill({ type });
    return `{"schema":${schema},"payload":{"tableChanges":${JSON.stringify(changes)}}}`;
  });

const contents = fc.oneof(
  fc.constantFrom("", "x", "{}", "[]", "[1]", '{"a":null}', "{", '{"a":[{"b":1},{"c":2}]}'),
  fc
    .dictionary(
      fc.constantFrom("id", "payload", "a", "b-c"),
      fc.oneof(
        fc.constantFrom<unknown>(null, true, "x", 5, 3_000_000_000, 1.5, [1], ["a", null]),
        fc.constantFrom<unknown>({ n: 1, m: null }, { deep: { deeper: "d" } }),
      ),
      { maxKeys: 4 },
    )
    .map((object) => JSON.stringify(object)),
);
const messages = fc.tuple(contents, fc.boolean()).map(([content, isBinary]) => {
  const message = `{"type":"struct","fields":[${fieldsOf({ prefix: '{"type":"string","optional":true', content: `{"type":"${isBinary ? "bytes" : "string"}","optional":true` })}],"optional":false,"name":"io.debezium.connector.postgresql.Message","version":1`;
  const schema = `{"type":"struct","fields":[${fieldsOf({ op: '{"type":"string","optional":false', ts_ms: '{"type":"int64","optional":true,"default":9', source: SOURCE, message })}],"optional":false,"name":"io.debezium.connector.postgresql.MessageValue","version":1}`;
  const bytes = isBinary ? Buffer.from(content).toString("base64") : content;
  const payload = {
    op: "m",
    ts_ms: null,
    source: { table: "", ts_ms: 1, ts_us: null, ts_ns: null },
    message: { prefix: "p", content: bytes },
  };
  return `{"schema":${schema},"payload":${JSON.stringify(payload)}}`;
});

/** Operands and conditions that mean the same in Groovy and in ours. Fields that a record lacks are errors in both. */
const operands = fc.constantFrom(
  ...["value.op", "value.after.city", "value.after?.city", "value.before?.id", "value.after.id", "value.source.table"],
  ...[
    "value.ts_ms",
    "key.id",
    "topic",
    "header.drop",
    "value['op']",
    "value.after['id']",
    "value.nothing",
    "key?.note",
  ],
  ...[
    "'uu'",
    '"cc"',
    "5",
    "50L",
    "1.5",
    "null",
    "true",
    "'Bonn'",
    "-3",
    "(value.after?.id ?: 7)",
    "value.source.version",
  ],
  ...["value.get('op')", "value.after.getString('city')", "value.getStruct('after')?.id", "valueSchema.name()"],
  ...["topic + '_' + value.op", "value.after.id + 1", "value.after.id % 3", "topic.size()", "value.op.toUpperCase()"],
);
const conditions = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    {
      weight: 6,
      arbitrary: fc
        .tuple(operands, fc.constantFrom("==", "!=", "<", "<=", ">", ">="), operands)
        .map((parts) => parts.join(" ")),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...["topic.startsWith('shop')", "value.after?.city?.contains('nn')", "value.op in ['c', 'u']"],
        ...[
          "topic ==~ '.*_1'",
          "topic.matches('shop[.].*')",
          "header.containsKey('drop')",
          "value.after.note.isEmpty()",
        ],
        ...["value.op.equals('c')", "value.after.city.equalsIgnoreCase('BONN')", "topic.endsWith('_2')", "value.after"],
        ...[
          "header.drop.value.size() == 2",
          "header.drop?.value?.contains('id')",
          "value.op.length() == 1",
          "!value.before",
        ],
        ...[
          "topic.substring(5).indexOf('o') > 2",
          "value.op.trim() == 'c'",
          "topic.replace('shop', 'x') == topic",
          "1",
        ],
        ...["value.after.id +", "'a"],
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
        .map((parts) => parts.join(" ")),
    },
    { weight: 1, arbitrary: tie("condition").map((condition) => `!(${condition})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie("condition"), tie("condition"), tie("condition"))
        .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    },
  ),
}));
const scripted = {
  language: fc.constantFrom("jsr223.groovy", "jsr223.groovy", "jsr223.groovy", "jsr223.jython", "x"),
  "topic.regex": fc.constantFrom("shop.*", ".*_1"),
  "null.handling.mode": fc.constantFrom("keep", "drop", "evaluate", "EVALUATE", "x"),
};

const ofScripts = (type: string, key: string, expression: fc.Arbitrary<string>): fc.Arbitrary<TransformCase> =>
  cases(
    `transforms.${type}`,
    fc
      .tuple(expression, optionalProps(scripted))
      .map(([text, props]) => ({ language: "jsr223.groovy", ...props, [key]: text })),
    fc.array(eventRecord, { minLength: 4, maxLength: 10 }),
  );

/** Cases of the transformations that evaluate expressions. */
export const expressionCases: ReadonlyMap<string, fc.Arbitrary<TransformCase>> = new Map([
  ["Filter", ofScripts("Filter", "condition", conditions.condition)],
  [
    "ContentBasedRouter",
    ofScripts(
      "ContentBasedRouter",
      "topic.expression",
      fc
        .tuple(conditions.condition, operands, operands)
        .map(([condition, one, other]) => `${condition} ? ${one} : ${other}`),
    ),
  ],
]);

/** Cases of Debezium's smaller transformations. */
export const smallerCases: ReadonlyMap<string, fc.Arbitrary<TransformCase>> = new Map([
  ["HeaderToValue", headerCases],
  [
    "PartitionRouting",
    cases(
      "transforms.partitions.PartitionRouting",
      optionalProps({
        "partition.payload.fields": list(
          fc.uniqueArray(
            fc.constantFrom(
              "after.a",
              "change.b",
              "before.c",
              "source.table",
              "op",
              "ts_ms",
              "nothing",
              "after.nothing",
              " change.id",
              "change.ts",
            ),
            { minLength: 1, maxLength: 3 },
          ),
        ),
        "partition.topic.num": fc.constantFrom("1", "2", "7", "100", "0", "x"),
        "partition.hash.function": fc.constantFrom("java", "murmur", "MURMUR", "x"),
      }),
      scalarEvents,
    ),
  ],
  [
    "ExtractChangedRecordState",
    cases(
      "transforms.ExtractChangedRecordState",
      optionalProps({
        "header.changed.name": fc.constantFrom("Changed", ""),
        "header.unchanged.name": fc.constantFrom("Same"),
      }),
      scalarEvents,
    ),
  ],
  [
    "TimezoneConverter",
    cases(
      "transforms.TimezoneConverter",
      fc
        .tuple(
          fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(...ZONES) },
            { weight: 1, arbitrary: fc.constantFrom(...OTHER_ZONES) },
          ),
          fc.oneof(
            { weight: 2, arbitrary: fc.constant({}) },
            {
              weight: 3,
              arbitrary: fc.oneof(
                rules.map((all) => ({ "include.list": all })),
                rules.map((all) => ({ "exclude.list": all })),
              ),
            },
            { weight: 1, arbitrary: fc.constant({ "include.list": "source:a", "exclude.list": "source:b" }) },
          ),
        )
        .map(([zone, more]) => ({ "converted.timezone": zone, ...more })),
      records(eventsOf(TIMES, TABLES)),
    ),
  ],
  [
    "SchemaChangeEventFilter",
    cases(
      "transforms.SchemaChangeEventFilter",
      optionalProps({
        "schema.change.event.exclude.list": fc.constantFrom("ALTER", "CREATE, DROP", "DATABASE", "alter", ""),
      }),
      records(schemaChanges),
    ),
  ],
  [
    "DecodeLogicalDecodingMessageContent",
    cases(
      "connector.postgresql.transforms.DecodeLogicalDecodingMessageContent",
      optionalProps({ "fields.null.include": fc.constantFrom("true", "false") }),
      records(messages),
    ),
  ],
]);
