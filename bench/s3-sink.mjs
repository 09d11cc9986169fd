// The S3 sink alone, without a worker: one task in a process of its own writes records of about --bytes in each format,
// and in a process of its own the SDK uploads as many bytes in as many objects. The store is the package's emulator, in
// this process. With --paths the records go round so many directories.
//   node bench/s3-sink.mjs [--records 500000] [--bytes 1000] [--paths 1] [--objects 4] [--formats json,json.gz,…]
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { SystemClock } from "../dist/src/base/clock.js";
import { silentLogger } from "../dist/src/base/logger.js";
import { SystemRandom } from "../dist/src/base/random.js";
import { startObjectStore } from "../dist/src/emulators/object-store/object-store.js";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";

const CONFLUENT = "io.confluent.connect.s3.format.";
const PARQUET = { "format.class": `${CONFLUENT}parquet.ParquetFormat` };
const AVRO = { "format.class": `${CONFLUENT}avro.AvroFormat` };
const JSON_LINES = { "format.class": `${CONFLUENT}json.JsonFormat` };
const FORMATS = {
  json: JSON_LINES,
  "json.gz": { ...JSON_LINES, "s3.compression.type": "gzip" },
  csv: { "format.class": "io.millrace.connect.s3.format.csv.CsvFormat" },
  avro: AVRO,
  "avro.snappy": { ...AVRO, "avro.codec": "snappy" },
  parquet: { ...PARQUET, "parquet.codec": "none" },
  "parquet.snappy": PARQUET,
  "parquet.zstd": { ...PARQUET, "parquet.codec": "zstd" },
};
const given = options({ records: 500_000, bytes: 1000, paths: 1, objects: 4, formats: Object.keys(FORMATS).join(",") });
const credentials = { accessKeyId: "bench", secretAccessKey: "bench-secret" };
const run = promisify(execFile);

await measured(async () => {
  const store = await startObjectStore({
    dataDir: join(temporaryFolder(), "objects"),
    listen: { host: "127.0.0.1", port: 0 },
    credentials,
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
  });
  atEnd(() => store.close());
  const s3 = new S3Client({ endpoint: store.endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  atEnd(() => s3.destroy());
  for (const format of given.formats.split(",")) {
    const bucket = format.replaceAll(".", "-");
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const task = await child({ props: propsOf(format, bucket, store.endpoint), ...given });
    const sizes = await sizesIn(s3, bucket);
    const sdk = await child({ sizes, bucket, endpoint: store.endpoint, credentials });
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    report({
      what: "s3-sink",
      format,
      records: given.records,
      paths: given.paths,
      objects: sizes.length,
      object_mb: Math.round(megabytes),
      rate: Math.round(given.records / task.seconds),
      mb_per_s_of_records: Number(((given.records * given.bytes) / 1e6 / task.seconds).toFixed(1)),
      mb_per_s_of_objects: Number((megabytes / task.seconds).toFixed(1)),
      cpu_s_per_million: Number(((task.cpuSeconds / given.records) * 1e6).toFixed(1)),
      peak_rss_mib: task.peakMib,
      sdk_mb_per_s: Number((megabytes / sdk.seconds).toFixed(1)),
      of_sdk: Number((sdk.seconds / task.seconds).toFixed(3)),
      load1: load(),
    });
  }
});

async function child(work) {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, "s3-sink-task.mjs"), JSON.stringify(work)]);
  return JSON.parse(stdout);
}

function propsOf(format, bucket, endpoint) {
  return {
    name: "bench",
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "s3.bucket.name": bucket,
    "s3.region": "us-east-1",
    "store.url": endpoint,
    "aws.access.key.id": credentials.accessKeyId,
    "aws.secret.access.key": credentials.secretAccessKey,
    "storage.class": "io.confluent.connect.s3.storage.S3Storage",
    "flush.size": String(Math.ceil(given.records / given.objects)),
    ...FORMATS[format],
    ...(given.paths > 1 && {
      "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
      "path.format": "'day'=YYYY-MM-dd/'hour'=HH",
      "partition.duration.ms": "3600000",
      "timestamp.extractor": "Record",
      locale: "en",
      timezone: "UTC",
    }),
  };
}

async function sizesIn(s3, bucket) {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Size }) => Size);
}
