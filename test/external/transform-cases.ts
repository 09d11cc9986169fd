// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the settings.
import fc from "fast-check";
import { parseDatePattern } from "../../src/transforms/time/date-pattern.js";
import { formatDate } from "../../src/transforms/time/format-date.js";
import type { RecordTexts, TransformCase } from "./java-transformer.js";

/** A schema and one of its values, as texts of JsonConverter. */
export interface Typed {
  readonly schema: string;
  readonly payload: string;
}

const KAFKA = "org.apache.kafka.connect.transforms";
/** Few, so that settings meet fields. */
const NAMES = ["a", "b", "c", "id", "ts"];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 });
export const quoted = (text: string) => JSON.stringify(text);

const text = fc.oneof(
  fc.constantFrom(
    ...["", "x", "true", "TRUE", "12", "-7", "+300", "99999999999", "1.5", "1e3", " 2 ", "NaN", "0.1f", "é😀"],
    ...["2024-02-29", "2023-13-45", "2023-11-14T22:13:20", "20231114", "14 Nov 2023", "9223372036854775807"],
  ),
  fc.string({ maxLength: 4 }),
);
const int64 = fc.oneof(
  fc.integer({ min: -200, max: 200 }).map(String),
  fc.constantFrom(
    "1700000000123",
    "-1",
    "-62135596800001",
    "9007199254740993",
    "-9223372036854775808",
    "9223372036854775807",
  ),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const float = fc
  .oneof(fc.constantFrom(0.5, 1, -1.25, 1e10, 3.4e38, 1e-5), fc.float({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => JSON.stringify(Math.fround(value) + 0));
const double = fc
  .oneof(fc.constantFrom(0.1, 2, -7.75, 1e300, 1e18, 123456789.5), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => JSON.stringify(value + 0));
const base64 = fc.uint8Array({ maxLength: 4 }).map((bytes) => quoted(Buffer.from(bytes).toString("base64")));

export interface Kind {
  readonly attributes: string;
  readonly payload: fc.Arbitrary<string>;
}

const logical = (base: string, logicalName: string, payload: fc.Arbitrary<string>, more = ""): Kind => ({
  attributes: `"type":"${base}","name":"org.apache.kafka.connect.data.${logicalName}","version":1${more}`,
  payload,
});
export const SCALARS: readonly Kind[] = [
  { attributes: '"type":"int8"', payload: fc.integer({ min: -128, max: 127 }).map(String) },
  { attributes: '"type":"int16"', payload: fc.integer({ min: -32768, max: 32767 }).map(String) },
  { attributes: '"type":"int32"', payload: fc.integer().map(String) },
  { attributes: '"type":"int64"', payload: int64 },
  { attributes: '"type":"float"', payload: float },
  { attributes: '"type":"double"', payload: double },
  { attributes: '"type":"boolean"', payload: fc.boolean().map(String) },
  { attributes: '"type":"string"', payload: text.map(quoted) },
  { attributes: '"type":"bytes"', payload: base64 },
  logical("int32", "Date", fc.integer({ min: -800_000, max: 100_000 }).map(String)),
  logical("int32", "Time", fc.integer({ min: 0, max: 86_399_999 }).map(String)),
  logical("int64", "Timestamp", fc.oneof(fc.constantFrom("0", "1700000000123"), fc.integer().map(String))),
  logical(
    "bytes",
    "Decimal",
    fc.constantFrom('"AJw="', '"/w=="', '"AA=="', '"DeC2s6dk//8="'),
    ',"parameters":{"scale":"2"}',
  ),
];

const scalar: fc.Arbitrary<Kind> = fc.constantFrom(...SCALARS);

/** A schema with its attributes closed, and values of it. Java reads no defaults of structs, arrays and maps. */
function typed(kind: Kind, extra = ""): fc.Arbitrary<Typed & { readonly open: string }> {
  return fc
    .record({
      isOptional: fc.boolean(),
      hasDefault: fc.boolean().map((wants) => wants && SCALARS.includes(kind)),
      isNull: fc.boolean(),
      payload: kind.payload,
      other: kind.payload,
      doc: fc.constantFrom("", ',"doc":"of a field"'),
    })
    .map(({ isOptional, hasDefault, isNull, payload, other, doc }) => {
      const open = `${kind.attributes},"optional":${isOptional}${doc}${hasDefault ? `,"default":${other}` : ""}${extra}`;
      return { open, schema: `{${open}}`, payload: isNull && isOptional ? "null" : payload };
    });
}

const compound: fc.Arbitrary<Kind> = fc.oneof(
  scalar.chain((item) =>
    typed(item).map(({ schema, payload }) => ({
      attributes: `"type":"array","items":${schema}`,
      payload: fc.constantFrom("[]", `[${payload}]`),
    })),
  ),
  scalar.chain((item) =>
    typed(item).map(({ schema, payload }) => ({
      attributes: `"type":"map","keys":{"type":"string","optional":false},"values":${schema}`,
      payload: fc.constantFrom("{}", `{"k":${payload}}`),
    })),
  ),
);

function structKind(depth: number): fc.Arbitrary<Kind> {
  const inner: fc.Arbitrary<Kind> =
    depth === 0 ? scalar : fc.oneof({ weight: 6, arbitrary: scalar }, compound, structKind(depth - 1));
  const field = fc
    .tuple(name, inner)
    .chain(([field, kind]) => typed(kind, `,"field":"${field}"`).map((type) => ({ field, type })));
  return fc
    .record({
      fields: fc.uniqueArray(field, { maxLength: 5, selector: ({ field: named }) => named }),
      named: fc.constantFrom("", ',"name":"Order"', ',"name":"Order","version":2,"doc":"all","parameters":{"p":"q"}'),
    })
    .map(({ fields, named }) => ({
      attributes: `"type":"struct","fields":[${fields.map(({ type }) => type.schema).join(",")}]${named}`,
      payload: fc.constant(`{${fields.map(({ field: named2, type }) => `"${named2}":${type.payload}`).join(",")}}`),
    }));
}

export const envelope = ({ schema, payload }: Typed) => `{"schema":${schema},"payload":${payload}}`;

export const withSchema = fc.oneof(
  { weight: 8, arbitrary: structKind(2).chain((kind) => typed(kind)) },
  { weight: 1, arbitrary: fc.oneof(scalar, compound).chain((kind) => typed(kind)) },
);

const plainScalar = fc.oneof(
  int64,
  double.map((shown) => (/^-?\d+$/.test(shown) ? `${shown}.0` : shown)),
  fc.boolean().map(String),
  text.map(quoted),
  fc.constant("null"),
);
const plain = fc.letrec<{ value: string; map: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 6, arbitrary: plainScalar },
    { weight: 1, arbitrary: fc.array(plainScalar, { maxLength: 3 }).map((items) => `[${items.join(",")}]`) },
    { weight: 2, arbitrary: tie("map") },
  ),
  map: fc
    .uniqueArray(fc.tuple(fc.oneof(name, fc.constantFrom("z", "key 1", "a.b")), tie("value")), {
      maxLength: 6,
      selector: ([key]) => key,
    })
    .map((entries) => `{${entries.map(([key, value]) => `${quoted(key)}:${value}`).join(",")}}`),
}));
const schemaless = fc
  .oneof({ weight: 6, arbitrary: plain.map }, plain.value)
  .map((payload) => `{"schema":null,"payload":${payload}}`);

const data = fc.oneof(
  { weight: 6, arbitrary: withSchema.map(envelope) },
  { weight: 4, arbitrary: schemaless },
  { weight: 1, arbitrary: fc.constant(null) },
);

const record: fc.Arbitrary<RecordTexts> = fc.record({
  sink: fc.boolean(),
  topic: fc.constantFrom("orders", "shop.public.orders", "a-b_c.1", "x"),
  timestamp: fc.oneof(fc.constant(null), fc.constantFrom(0, 1_700_000_000_123), fc.integer({ min: 0, max: 2 ** 40 })),
  key: data,
  value: data,
  headers: fc.array(
    fc.tuple(name, fc.constantFrom(null, '{"schema":{"type":"string","optional":false},"payload":"h"}')),
    { maxLength: 3 },
  ),
});

export type Props = Readonly<Record<string, string>>;
export const optionalProps = (all: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Props> =>
  fc.record(all, { requiredKeys: [] }) as fc.Arbitrary<Props>;
const replaceNull = { "replace.null.with.default": fc.constantFrom("true", "false") };
export const list = (items: fc.Arbitrary<readonly string[]>) => items.map((all) => all.join(","));

const DATE_FORMATS = [
  ...["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss", "yyyyMMdd", "dd MMM yyyy", "yyyy-MM-dd HH:mm:ss.SSS", "MM/dd/yy", "HH:mm"],
  ...["EEE, d MMM yyyy h:mm a", "yyyy.DDD", "G yyyy MMMM", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd HH:mm:ss Z", "k:K"],
  ...["''yyyy'o''clock'", "y M d H m s S", "EEEE LLLL z zzzz X XX", "YYYY-'W'ww-u W F", "yyyyyy SSSSSS"],
  // Refused.
  ...["q", "yyyy'"],
];

const castType = fc.constantFrom(
  ...["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "INT8", "bytes", "foo"],
);
const rename = fc.tuple(name, fc.constantFrom("r", "s")).map(([from, to]) => `${from}:${to}`);

/** Transformations of keys and values, with their settings. */
const OF_PARTS: Readonly<Record<string, fc.Arbitrary<Props>>> = {
  Cast: fc
    .tuple(
      fc.oneof(
        castType,
        list(
          fc
            .uniqueArray(fc.tuple(name, castType), { minLength: 1, maxLength: 4, selector: ([field]) => field })
            .map((all) => all.map((pair) => pair.join(":"))),
        ),
      ),
      optionalProps(replaceNull),
    )
    .map(([spec, more]) => ({ spec, ...more })),
  ExtractField: fc
    .tuple(
      fc.constantFrom(...NAMES, "a.b", "b.a", "`a.b`", "a.b.c", "`a", "c."),
      optionalProps({ "field.syntax.version": fc.constantFrom("V1", "v2", "V2"), ...replaceNull }),
    )
    .map(([field, more]) => ({ field, ...more })),
  // The default could join two paths to one name, of which the last in a map's order counts.
  Flatten: fc.record({ delimiter: fc.constantFrom("_", "::") }),
  HeaderFrom: fc
    .record({
      fields: list(names),
      headers: list(fc.array(fc.constantFrom("a", "h"), { minLength: 1, maxLength: 3 })),
      operation: fc.constantFrom("move", "copy"),
      more: optionalProps(replaceNull),
    })
    .map(({ more, ...props }) => ({ ...props, ...more })),
  HoistField: fc.record({ field: name }),
  InsertField: optionalProps({
    "topic.field": fc.constantFrom("t", "t!", "a?"),
    "partition.field": fc.constantFrom("p", "p!"),
    "offset.field": fc.constantFrom("o", "o?"),
    "timestamp.field": fc.constantFrom("at", "at!"),
    "static.field": fc.constantFrom("s", "b"),
    "static.value": fc.constantFrom("", "fixed"),
    ...replaceNull,
  }),
  MaskField: fc
    .tuple(
      list(names),
      optionalProps({ replacement: fc.constantFrom("x", "12", "1.75", "300", "1e3", "-9999999999"), ...replaceNull }),
    )
    .map(([fields, more]) => ({ fields, ...more })),
  ReplaceField: optionalProps({
    exclude: list(names),
    include: list(names),
    renames: fc.oneof(
      list(fc.uniqueArray(rename, { maxLength: 2, selector: (pair) => pair.at(-1) })),
      fc.constant("a:b,b:a"),
    ),
    ...replaceNull,
  }),
  SetSchemaMetadata: optionalProps({
    "schema.name": fc.constantFrom("New", ""),
    "schema.version": fc.constantFrom("9", "x"),
    ...replaceNull,
  }),
  TimestampConverter: fc
    .tuple(
      fc.constantFrom("string", "unix", "Date", "Time", "Timestamp"),
      optionalProps({
        field: fc.constantFrom(...NAMES, ""),
        format: fc.constantFrom(...DATE_FORMATS),
        "unix.precision": fc.constantFrom("seconds", "milliseconds", "microseconds", "nanoseconds"),
        ...replaceNull,
      }),
    )
    .map(([target, more]) => ({ "target.type": target, ...more })),
};

/** Transformations of whole records. */
const OF_RECORDS: Readonly<Record<string, fc.Arbitrary<Props>>> = {
  DropHeaders: fc.record({ headers: list(names) }),
  Filter: fc.constant({}),
  InsertHeader: fc.record({
    header: name,
    "value.literal": fc.oneof(
      text.filter((literal) => !/^\d{4}-/.test(literal)),
      fc.constantFrom("[1,2]", '{"a":1}', "null", "3.0"),
    ),
  }),
  RegexRouter: fc
    .constantFrom(
      ...[
        ["(.*)", "$1"],
        ["(.*)", "pre_$0"],
        ["([^.]*)\\.?(.*)", "$1-$2"],
        ["([^.]*)\\.?(.*)", "$12"],
        ["o|orders", "new"],
      ],
      ...[
        ["(?<first>\\w+)[.](.+)", "${first}:$2"],
        ["x(y)?", "<$1>"],
        ["a-b(.)*", "$1"],
        ["(a|o)(?:-b)?(_c\\.1|r.*)", "$2\\$$1"],
      ],
      ...[
        ["(?i)(ORD)(?=e)(.++)", "$2$1"],
        ["s(?:[^.]+)(?>[.](\\w+))+", "$1"],
        ["(x{1,2}?)x*", "$1!"],
      ],
    )
    .map(([regex = "", replacement = ""]) => ({ regex, replacement })),
  TimestampRouter: optionalProps({
    "topic.format": fc.constantFrom("${topic}", "${timestamp}_${topic}_${timestamp}", "fixed"),
    "timestamp.format": fc.constantFrom(...DATE_FORMATS.slice(0, -2)),
  }),
  ValueToKey: fc.tuple(list(names), optionalProps(replaceNull)).map(([fields, more]) => ({ fields, ...more })),
};

function casesOf(type: string, props: fc.Arbitrary<Props>): fc.Arbitrary<TransformCase> {
  return fc.record({
    type: fc.constant(`${KAFKA}.${type}`),
    props,
    records: fc.array(record, { minLength: 3, maxLength: 8 }),
  });
}

const TEXT = '{"type":"string","optional":false';
const OPTIONAL_INT64 = '{"type":"int64","optional":true';
export const fieldsOf = (fields: Readonly<Record<string, string>>) =>
  Object.entries(fields)
    .map(([field, schema]) => `${schema},"field":"${field}"}`)
    .join(",");
const SOURCE = `{"type":"struct","fields":[${fieldsOf({ version: TEXT, ts_ms: OPTIONAL_INT64, table: `${TEXT},"default":"none"` })}],"optional":false,"name":"io.debezium.Source"`;
const TRANSACTION = `{"type":"struct","fields":[${fieldsOf({ id: TEXT, total_order: OPTIONAL_INT64 })}],"optional":true,"name":"event.block","version":1`;
const ROW_FIELDS = fieldsOf({
  id: '{"type":"int32","optional":false',
  city: '{"type":"string","optional":true,"default":"Ulm"',
  note: '{"type":"string","optional":true',
});
const ROW = `{"type":"struct","fields":[${ROW_FIELDS}],"optional":true,"name":"shop.orders.Value"`;
const EVENT = `{"type":"struct","fields":[${fieldsOf({
  before: ROW,
  after: ROW,
  source: SOURCE,
  op: TEXT,
  ts_ms: OPTIONAL_INT64,
  ts_us: OPTIONAL_INT64,
  transaction: TRANSACTION,
})}],"optional":false,"name":"shop.orders.Envelope","version":2`;

const row = fc
  .tuple(
    fc.integer({ min: 0, max: 99 }),
    fc.constantFrom("null", '"Bonn"', '""'),
    fc.constantFrom("null", '"n"', '" "'),
  )
  .map(([id, city, note]) => `{"id":${id},"city":${city},"note":${note}}`);
const change = fc.oneof(
  fc.tuple(row, row, fc.constantFrom("c", "u", "r")),
  fc.tuple(fc.constant("null"), row, fc.constantFrom("c", "r")),
  fc.tuple(row, fc.constant("null"), fc.constant("d")),
  fc.constant(["null", "null", "t"] as const),
);
const event = fc
  .tuple(change, fc.constantFrom("null", '{"id":"571:1","total_order":1}'), fc.constantFrom("null", "1700000000123"))
  .map(
    ([[before, after, op], transaction, ms]) =>
      `{"schema":${EVENT}},"payload":{"before":${before},"after":${after},"source":{"version":"3","ts_ms":${ms},"table":"orders"},"op":"${op}","ts_ms":${ms},"ts_us":null,"transaction":${transaction}}}`,
  );
const eventKey = fc.constantFrom(
  null,
  `{"schema":{"type":"struct","fields":[${fieldsOf({ id: '{"type":"int32","optional":false', note: '{"type":"string","optional":true' })}],"optional":false,"name":"shop.orders.Key"},"payload":{"id":7,"note":"n"}}`,
);
const dropList = fc
  .subarray(["id", "note", "city"])
  .map(
    (dropped) =>
      `{"schema":{"type":"array","items":{"type":"string","optional":false},"optional":false},"payload":${JSON.stringify(dropped)}}`,
  );
export const eventRecord: fc.Arbitrary<RecordTexts> = fc.record({
  sink: fc.boolean(),
  topic: fc.constantFrom("shop.public.orders_1", "shop.public.orders_2", "other"),
  timestamp: fc.constantFrom(null, 5),
  key: eventKey,
  value: fc.oneof(
    { weight: 6, arbitrary: event },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: withSchema.map(envelope) },
  ),
  headers: fc.array(fc.tuple(fc.constant("drop"), dropList), { maxLength: 1 }),
});
const references = list(
  fc.uniqueArray(
    fc.constantFrom(
      "op",
      "ts_ms",
      "ts_ns",
      "source.ts_ms",
      "table",
      "version:v",
      "transaction.id",
      "total_order",
      "nothing",
      "source.table:t",
      " ts_us",
    ),
    { minLength: 1, maxLength: 4 },
  ),
);
const ofEvents = (type: string, props: fc.Arbitrary<Props>): fc.Arbitrary<TransformCase> =>
  fc.record({
    type: fc.constant(`io.debezium.transforms.${type}`),
    props,
    records: fc.array(eventRecord, { minLength: 4, maxLength: 10 }),
  });

const OUTBOX_ROW = `{"type":"struct","fields":[${fieldsOf({
  id: '{"type":"int32","optional":false',
  aggregateid: '{"type":"string","optional":true,"default":"none"',
  aggregatetype: '{"type":"string","optional":true',
  type: '{"type":"string","optional":true',
  version: '{"type":"int32","optional":true',
  at: '{"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","version":1',
  count: '{"type":"int64","optional":true',
  payload: '{"type":"string","optional":true',
})}],"optional":true,"name":"shop.outbox.Value"`;
const OUTBOX = `{"type":"struct","fields":[${fieldsOf({
  before: OUTBOX_ROW,
  after: OUTBOX_ROW,
  source: SOURCE,
  op: '{"type":"string","optional":false',
  ts_ms: '{"type":"int64","optional":true',
})}],"optional":false,"name":"shop.outbox.Envelope"`;

const payloadText = fc.oneof(
  fc.constantFrom(
    null,
    "",
    " ",
    "plain",
    "{",
    "[1,2]",
    "{}",
    "[1,1.5]",
    '[1,"a"]',
    "[[1],[2]]",
    "[null]",
    '{"a":[[]]}',
  ),
  fc
    .dictionary(
      fc.constantFrom("a", "b", "c.d", "e f"),
      fc.oneof(
        fc.constantFrom<unknown>(
          null,
          true,
          "x",
          "",
          1,
          -5,
          3_000_000_000,
          1.5,
          [],
          [null, 1],
          [true],
          ["a", null],
          {},
        ),
        fc.constantFrom<unknown>({ n: 1, m: null }, [{ n: 1 }, { n: 2 }], [{ n: 1 }, 2], { deep: { deeper: [1, 2] } }),
      ),
      { maxKeys: 4 },
    )
    .map((object) => JSON.stringify(object)),
);
const outboxRow = fc
  .record({
    id: fc.integer({ min: 0, max: 99 }),
    aggregateid: fc.constantFrom(null, "7", ""),
    aggregatetype: fc.constantFrom("Order", "Order", "order.item", "", null),
    type: fc.constantFrom(null, "Created"),
    version: fc.constantFrom(null, 1, 2),
    at: fc.constantFrom(null, 1_700_000_000_123_456, -1_500, 0),
    count: fc.constantFrom(null, 5),
    payload: payloadText,
  })
  .map((row) => JSON.stringify(row));
const outboxEvent = fc
  .tuple(outboxRow, fc.constantFrom("c", "c", "c", "r", "u", "d"), fc.constantFrom("null", "1700000000123"))
  .map(([row, op, ms]) => {
    const [before, after] = op === "d" ? [row, "null"] : ["null", row];
    return `{"schema":${OUTBOX}},"payload":{"before":${before},"after":${after},"source":{"version":"3","ts_ms":${ms},"table":"outbox"},"op":"${op}","ts_ms":${ms}}}`;
  });
const outboxRecord: fc.Arbitrary<RecordTexts> = fc.record({
  // The real one fails on a sink's record.
  sink: fc.constant(false),
  topic: fc.constant("shop.public.outbox"),
  timestamp: fc.constantFrom(null, 5),
  key: eventKey,
  value: fc.oneof(
    { weight: 8, arbitrary: outboxEvent },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: withSchema.map(envelope) },
  ),
  headers: fc.array(fc.tuple(fc.constant("drop"), dropList), { maxLength: 1 }),
});
const mostly = (usual: string, ...others: string[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const placements = list(
  fc.uniqueArray(
    fc.constantFrom(
      "type:header",
      "type:envelope:kind",
      "version:envelope",
      "count:header:n",
      "aggregateid:envelope",
      " type : header : h",
      "type:HEADER",
      "nothing:header",
      "version:partition",
    ),
    { minLength: 1, maxLength: 3 },
  ),
);

/** Cases of Debezium's transformations. */
export const debeziumCases: ReadonlyMap<string, fc.Arbitrary<TransformCase>> = new Map([
  [
    "ExtractNewRecordState",
    ofEvents(
      "ExtractNewRecordState",
      optionalProps({
        "delete.tombstone.handling.mode": fc.constantFrom(
          "drop",
          "tombstone",
          "rewrite",
          "rewrite-with-tombstone",
          "delete-to-tombstone",
          "x",
        ),
        "route.by.field": fc.constantFrom("city", "note"),
        "add.fields": references,
        "add.fields.prefix": fc.constantFrom("", "x."),
        "add.headers": references,
        "add.headers.prefix": fc.constantFrom("", "h_"),
        "drop.fields.header.name": fc.constant("drop"),
        "drop.fields.from.key": fc.constantFrom("true", "false"),
        "drop.fields.keep.schema.compatible": fc.constantFrom("true", "false"),
        ...replaceNull,
      }),
    ),
  ],
  [
    "outbox.EventRouter",
    fc.record({
      type: fc.constant("io.debezium.transforms.outbox.EventRouter"),
      props: optionalProps({
        "table.field.event.id": mostly("id", "type", "nothing"),
        "table.field.event.key": mostly("aggregateid", "count", "nothing"),
        "table.field.event.payload": mostly("payload", "count", "nothing"),
        "table.field.event.timestamp": mostly("at", "count", "type", "nothing"),
        "table.field.event.schema.version": mostly("version", "type", "nothing"),
        "table.fields.additional.placement": placements,
        "table.field.additional.missing": mostly("ignore", "error", "x"),
        "table.op.invalid.behavior": mostly("warn", "ERROR", "fatal", "x"),
        "table.expand.json.payload": mostly("true", "false"),
        "table.json.payload.null.behavior": mostly("optional_bytes", "ignore", "x"),
        "route.by.field": mostly("aggregatetype", "type", "id", "nothing"),
        "route.topic.regex": fc.constantFrom("(.*)[.](.*)", "(?<routedByValue>O.*)", "(Ord)"),
        "route.topic.replacement": fc.constantFrom("$1", "t.$0"),
        "route.tombstone.on.empty.payload": fc.constantFrom("true", "false"),
      }).map((props) =>
        // The default replacement names a group of the default expression: the real one fails at every record.
        "route.topic.regex" in props ? { "route.topic.replacement": "$1", ...props } : props,
      ),
      records: fc.array(outboxRecord, { minLength: 4, maxLength: 10 }),
    }),
  ],
  [
    "ByLogicalTableRouter",
    ofEvents(
      "ByLogicalTableRouter",
      fc
        .tuple(
          fc.constantFrom(
            ["(.*)orders_(.*)", "$1all"],
            ["shop[.]([^.]+)[.].*", "$1"],
            ["(.*)_1", ""],
            ["(x?).*", "$1"],
          ),
          optionalProps({
            "key.enforce.uniqueness": fc.constantFrom("true", "false"),
            "key.field.name": fc.constant("shard"),
            "key.field.regex": fc.constantFrom("(.*)_(.*)", ""),
            "key.field.replacement": fc.constantFrom("$2", "no. $2"),
          }),
        )
        .map(([[regex = "", replacement = ""], more]) => ({
          "topic.regex": regex,
          "topic.replacement": replacement,
          ...more,
        })),
    ),
  ],
]);

const datePattern = fc
  .array(
    fc.tuple(
      fc.constantFrom(..."yyyMMMddDHkKhmsSaEGzZXL"),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom("-", "/", " ", "", ":", "'T'", ".", ", "),
    ),
    { minLength: 1, maxLength: 7 },
  )
  .map((parts) => {
    const last = parts.length - 1;
    return parts
      .map(
        ([letter, count, after], at) =>
          letter.repeat(letter === "X" ? Math.min(count, 3) : count) + (at < last ? after : ""),
      )
      .join("");
  })
  .filter((pattern) => !pattern.includes("XXXX"));

/** Texts that a pattern can read, or nearly. */
const dateTexts = datePattern.chain((pattern) => {
  const parts = parseDatePattern(pattern);
  const printed = fc
    .oneof(fc.integer({ min: -(2 ** 44), max: 2 ** 44 }), fc.integer({ min: -(2 ** 46), max: 2 ** 46 }))
    .map((ms) => formatDate(parts, ms));
  const changed = fc
    .tuple(printed, fc.nat(), fc.nat({ max: 1 }), fc.constantFrom("", "0", "9", "-", " ", "x", "+", "3", "A"))
    .map(([all, at, removed, added]) => {
      const index = all === "" ? 0 : at % all.length;
      return all.slice(0, index) + added + all.slice(index + removed);
    });
  return fc.record({
    pattern: fc.constant(pattern),
    texts: fc.array(fc.oneof(printed, changed), { minLength: 4, maxLength: 8 }),
  });
});

/** Texts that TimestampConverter reads. */
export const dateCases: fc.Arbitrary<TransformCase> = dateTexts.map(({ pattern, texts }) => ({
  type: `${KAFKA}.TimestampConverter$Value`,
  props: { "target.type": "unix", format: pattern },
  records: texts.map((shown) => ({
    sink: false,
    topic: "t",
    timestamp: null,
    key: null,
    value: envelope({ schema: '{"type":"string","optional":false}', payload: quoted(shown) }),
    headers: [],
  })),
}));

/** Cases of each of Kafka's transformations, by its name without package. */
export const kafkaCases: ReadonlyMap<string, fc.Arbitrary<TransformCase>> = new Map([
  ...Object.entries(OF_PARTS).map(
    ([type, props]) => [type, fc.oneof(casesOf(`${type}$Value`, props), casesOf(`${type}$Key`, props))] as const,
  ),
  ...Object.entries(OF_RECORDS).map(([type, props]) => [type, casesOf(type, props)] as const),
]);
