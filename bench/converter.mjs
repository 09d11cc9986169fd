// Cost of JsonConverter for a Debezium envelope of a 7-column row, compared in the same run with JSON.stringify of the
// same values and Buffer.from. CPU time, which is steadier than the clock on a shared machine.
//   node bench/converter.mjs [--records 300000]
import {
  ArrayStruct,
  INT32,
  INT64,
  LOGICAL,
  OPTIONAL_BOOLEAN,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  primitive,
  RecordHeaders,
  STRING,
  Struct,
  structOf,
} from "../dist/src/api/index.js";
import { JsonConverter } from "../dist/src/converters/json/json-converter.js";
import { load, options, report } from "./processes.mjs";

const { records } = options({ records: 300000 });

const price = primitive("bytes", { name: LOGICAL.decimal, version: 1, optional: true, parameters: { scale: "2" } });
const created = primitive("int64", { name: "io.debezium.time.MicroTimestamp", version: 1, optional: true });
const fields = {
  id: INT64,
  customer: INT32,
  name: OPTIONAL_STRING,
  note: OPTIONAL_STRING,
  price,
  active: OPTIONAL_BOOLEAN,
  created,
};
const row = structOf(Object.entries(fields), { name: "shop.public.orders.Value", optional: true });
const texts = ["version", "connector", "name", "snapshot", "db", "sequence", "schema", "table"].map((name) => [
  name,
  STRING,
]);
const numbers = ["ts_ms", "ts_us", "ts_ns", "txId", "lsn", "xmin", "origin_lsn"].map((name) => [name, OPTIONAL_INT64]);
const source = structOf([...texts, ...numbers], { name: "io.debezium.connector.postgresql.Source", version: 1 });
const envelope = structOf(
  [
    ["before", row],
    ["after", row],
    ["source", source],
    ["op", STRING],
    ["ts_ms", INT64],
    ["ts_us", INT64],
    ["ts_ns", INT64],
  ],
  { name: "shop.public.orders.Envelope", version: 2 },
);

function record(i) {
  const lsn = 23_456_789_000 + i * 120;
  const us = 1_763_740_000_000_000 + i * 10;
  const after = [
    i,
    i % 1000,
    `customer name ${i % 977}`,
    `a note of the length that notes have, more or less: ${i}`,
    Buffer.from([1, 2, i & 255]),
    true,
    us,
  ];
  const where = ["3.6.1.Final", "postgresql", "shop", "false", "shop", `["${lsn}","${lsn + 56}"]`, "public", "orders"];
  const when = [Math.floor(us / 1000), us, BigInt(us) * 1000n, 7000 + i, lsn + 56, null, null];
  const now = us + 1_234;
  return new ArrayStruct(envelope, [
    null,
    new ArrayStruct(row, after),
    new ArrayStruct(source, [...where, ...when]),
    "c",
    Math.floor(now / 1000),
    now,
    BigInt(now) * 1000n,
  ]);
}

/** The same values as plain objects; int64 as text, since JSON.stringify has no bigint. */
function plain(value) {
  if (value instanceof Struct)
    return Object.fromEntries(value.schema.fields.map(({ name, index }) => [name, plain(value.at(index))]));
  if (Buffer.isBuffer(value)) return value.toString("base64");
  return typeof value === "bigint" ? Number(value) : value;
}

const sample = Array.from({ length: 2000 }, (_, i) => record(i));
const plainSample = sample.map(plain);

function cost(write) {
  let best = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage();
    bytes = 0;
    for (let i = 0; i < records; i++) bytes += write(i % sample.length).length;
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / records);
  }
  return { us_per_record: Number(best.toFixed(2)), bytes_per_record: Math.round(bytes / records) };
}

const stringify = cost((i) => Buffer.from(JSON.stringify(plainSample[i])));
report({ what: "converter", label: "JSON.stringify, no schema", ...stringify, load1: load() });
for (const enabled of ["false", "true"]) {
  const converter = new JsonConverter();
  converter.configure({ "schemas.enable": enabled }, false);
  const found = cost((i) => converter.fromConnectData("t", new RecordHeaders(), envelope, sample[i]));
  const ratio = Number((found.us_per_record / stringify.us_per_record).toFixed(2));
  report({ what: "converter", label: `JsonConverter, schemas.enable=${enabled}`, ...found, ratio, load1: load() });
}
