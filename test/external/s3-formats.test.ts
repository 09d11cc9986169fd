import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { S3SinkTask } from "../../connectors/s3/s3-sink-task.js";
import {
  ArrayStruct,
  arrayOf,
  encodeUnscaled,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  OPTIONAL_STRING,
  type Props,
  primitive,
  SinkRecord,
  STRING,
  structOf,
} from "../../src/api/index.js";

import { MemoryStore } from "../unit/connectors/s3/memory-store.js";
import { SINK_PROPS, SinkDriver } from "../unit/connectors/s3/sink-driver.js";
import { pythonCommand } from "./clients/client-cache.js";
import { isOnPath } from "./peers.js";

const run = promisify(execFile);
const PACKAGES = ["pyarrow==26.0.1", "duckdb==2.0.1", "fastavro==1.13.1", "cramjam==2.14.0", "backports.zstd==1.8.0"];
const FORMATS = "io.confluent.connect.s3.format.";
const RECORDS = 700;

const NESTED = structOf([["city", OPTIONAL_STRING]], { optional: true });
const VALUE = structOf([
  ["id", INT32],
  ["note", OPTIONAL_STRING],
  ["nested", NESTED],
  ["list", arrayOf(INT64, { optional: true })],
  ["map", mapOf(STRING, OPTIONAL_STRING)],
  ["structs", arrayOf(structOf([["n", primitive("float64")]]))],
  ["price", primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } })],
  ["day", primitive("int32", { name: LOGICAL.date, version: 1 })],
  ["time", primitive("int32", { name: LOGICAL.time, version: 1 })],
  ["at", primitive("int64", { name: LOGICAL.timestamp, version: 1 })],
  ["bytes", primitive("bytes")],
]);

function recordOf(id: number): SinkRecord {
  const value = new ArrayStruct(VALUE, [
    id,
    id % 3 === 0 ? null : `note ${id} 🙂 ${"x".repeat(200)}`,
    id % 4 === 0 ? null : new ArrayStruct(NESTED, [id % 5 === 0 ? null : "Köln"]),
    id % 7 === 0 ? null : Array.from({ length: id % 4 }, (_, at) => 2n ** 60n + BigInt(at)),
    new Map(id % 2 === 0 ? [] : [["a", null]]),
    Array.from({ length: id % 3 }, (_, at) => new ArrayStruct(VALUE.field("structs")!.schema.valueSchema!, [at + 0.5])),
    encodeUnscaled(BigInt(id - 2) * 5n),
    id - 1,
    id * 1000 + 7,
    1_700_000_000_000 + id,
    Buffer.from([id % 256, 0]),
  ]);
  return new SinkRecord("orders", 0, null, null, VALUE, value, id, 0, "CreateTime");
}

/** The rows that are expected of any reader. */
function rowOf(id: number) {
  return {
    id,
    note: id % 3 === 0 ? null : `note ${id} 🙂 ${"x".repeat(200)}`,
    nested: id % 4 === 0 ? null : { city: id % 5 === 0 ? null : "Köln" },
    list: id % 7 === 0 ? null : Array.from({ length: id % 4 }, (_, at) => Number(2n ** 60n + BigInt(at))),
    structs: Array.from({ length: id % 3 }, (_, at) => ({ n: at + 0.5 })),
    price: ((id - 2) / 20).toFixed(2),
    day: new Date((id - 1) * 86_400_000).toISOString().slice(0, 10),
    bytes: Buffer.from([id % 256, 0]).toString("hex"),
  };
}

async function fileOf(props: Props): Promise<Buffer> {
  const store = new MemoryStore();
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    props: { ...SINK_PROPS, "flush.size": String(RECORDS), "parquet.row.group.bytes": "65536", ...props },
  });
  for (let id = 0; id < RECORDS; id++) driver.append(recordOf(id));
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  await driver.stop();
  return store.objects.get(store.keys()[0]!)!;
}

test("pyarrow, DuckDB and fastavro read what the S3 sink writes, with every codec", async ({ skip }) => {
  const missing = isOnPath("python3") ? undefined : "python3 not found";
  const command = missing ?? (await pythonCommand("lake_reader", PACKAGES).catch((error: unknown) => String(error)));
  if (typeof command === "string") {
    console.warn(`\n*** pyarrow, DuckDB and fastavro on the S3 sink's files are SKIPPED: ${command} ***\n`);
    return skip(command);
  }
  const folder = mkdtempSync(join(tmpdir(), "millrace-formats-"));
  try {
    for (const codec of ["none", "snappy", "gzip", "brotli", "zstd", "lz4_raw", "lz4"]) {
      const props = { "format.class": `${FORMATS}parquet.ParquetFormat`, "parquet.codec": codec };
      writeFileSync(join(folder, `${codec}.parquet`), await fileOf(props));
    }
    for (const codec of ["null", "deflate", "snappy", "zstandard"]) {
      const props = { "format.class": `${FORMATS}avro.AvroFormat`, "avro.codec": codec };
      writeFileSync(join(folder, `${codec}.avro`), await fileOf(props));
    }
    const [file, ...first] = command;
    const { stdout } = await run(file, [...first, folder], { maxBuffer: 256 * 1024 * 1024 });
    const read = JSON.parse(stdout) as Record<string, Record<string, ReturnType<typeof rowOf>[] | string>>;
    expect(Object.keys(read)).toHaveLength(11);
    for (const [name, byReader] of Object.entries(read)) {
      for (const [reader, rows] of Object.entries(byReader)) {
        expect(typeof rows === "string" ? `${name} by ${reader}: ${rows}` : rows.length).toBe(RECORDS);
        const all = rows as ReturnType<typeof rowOf>[];
        for (const [id, row] of all.entries()) {
          const { note, nested, list, ...others } = rowOf(id);
          expect({ name, reader, ...row }).toMatchObject({ note, nested, list, ...(reader !== "duckdb" && others) });
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
