// The record that the benchmarks of conversion and transformation process.
import {
  ArrayStruct,
  INT32,
  INT64,
  LOGICAL,
  OPTIONAL_BOOLEAN,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  primitive,
  STRING,
  structOf,
} from "../dist/src/api/index.js";

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

/** The i-th event: the insert of a row of seven columns. */
export function debeziumEvent(i) {
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
