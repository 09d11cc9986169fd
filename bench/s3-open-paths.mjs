// The S3 sink with many open paths: memory of `millrace up` (worker and broker in one process), and the rate of records
// into objects. Records cycle through the hours of several days, so that all paths stay open until the partition has
// flush.size records in all of them together; that happens twice. The store is the package's emulator, in this process.
//   node bench/s3-open-paths.mjs [--paths 80] [--records 400000] [--bytes 1000] [--limit-mib 250] [--gzip 1]
import { join } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { Kafka, logLevel } from "kafkajs";
import { SystemClock } from "../dist/src/base/clock.js";
import { silentLogger } from "../dist/src/base/logger.js";
import { SystemRandom } from "../dist/src/base/random.js";
import { startObjectStore } from "../dist/src/emulators/object-store/object-store.js";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";
import { cpuSeconds, residentMib, startMillrace, workerFile } from "./processes.mjs";
import { rest } from "./rest.mjs";

const given = options({ paths: 80, records: 400_000, bytes: 1000, "limit-mib": 250, gzip: 0 });
const { paths, bytes } = given;
const FILES_PER_PATH = 2;
// flush.size counts the records of all open paths of a partition together.
const flushSize = Math.floor(given.records / FILES_PER_PATH);
const records = flushSize * FILES_PER_PATH;
const HOUR_MS = 3_600_000;
const FIRST_MS = Date.UTC(2025, 0, 1);
const TOPIC = "paths";
const credentials = { accessKeyId: "bench", secretAccessKey: "bench-secret" };

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
  await s3.send(new CreateBucketCommand({ Bucket: "bench" }));

  const folder = temporaryFolder();
  const config = workerFile(folder, "127.0.0.1:0", { "offset.flush.interval.ms": "5000" });
  const up = startMillrace(
    ["up", "--data", folder, "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--config", config],
    {
      MILLRACE_LOG_LEVEL: "warn",
    },
  );
  const [, bootstrap] = await up.line(/^Kafka broker: (\S+)/);
  const [, url] = await up.line(/^REST interface: (\S+?)\/?$/);
  await produce(bootstrap);
  const before = { rss: residentMib(up.pid), cpu: cpuSeconds(up.pid), at: performance.now() };
  await rest(url, "POST", "/connectors", { name: "paths", config: sinkConfig(store.endpoint) });
  let peak = 0;
  let objects = 0;
  while (objects < paths * FILES_PER_PATH) {
    await new Promise((next) => setTimeout(next, 200));
    peak = Math.max(peak, residentMib(up.pid));
    objects = await countObjects(s3);
    await failWhenFailed(url);
  }
  const seconds = (performance.now() - before.at) / 1000;
  report({
    what: "s3-open-paths",
    gzip: given.gzip === 1,
    paths,
    records,
    objects,
    record_bytes: bytes,
    rate: Math.round(records / seconds),
    mb_per_s: Number(((records * bytes) / seconds / 1e6).toFixed(1)),
    cpu_s_per_million_worker_and_broker: Number((((cpuSeconds(up.pid) - before.cpu) / records) * 1e6).toFixed(1)),
    rss_mib_before: before.rss,
    peak_rss_mib_worker_and_broker: Math.max(peak, residentMib(up.pid)),
    limit_mib: given["limit-mib"],
    of_limit: Number((peak / given["limit-mib"]).toFixed(2)),
    load1: load(),
  });
});

async function produce(bootstrap) {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const filler = "x".repeat(Math.max(0, bytes - 30));
  for (let from = 0; from < records; from += 1000) {
    const messages = [];
    for (let i = from; i < Math.min(from + 1000, records); i++) {
      messages.push({ value: `{"id":${i},"filler":"${filler}"}`, timestamp: String(FIRST_MS + (i % paths) * HOUR_MS) });
    }
    await producer.send({ topic: TOPIC, messages });
  }
  await producer.disconnect();
}

function sinkConfig(endpoint) {
  return {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "tasks.max": "1",
    topics: TOPIC,
    "s3.bucket.name": "bench",
    "s3.region": "us-east-1",
    "store.url": endpoint,
    "aws.access.key.id": credentials.accessKeyId,
    "aws.secret.access.key": credentials.secretAccessKey,
    "storage.class": "io.confluent.connect.s3.storage.S3Storage",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "flush.size": String(flushSize),
    "s3.compression.type": given.gzip ? "gzip" : "none",
    "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "path.format": "'day'=YYYY-MM-dd/'hour'=HH",
    "partition.duration.ms": String(HOUR_MS),
    "timestamp.extractor": "Record",
    locale: "en-US",
    timezone: "UTC",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "consumer.override.auto.offset.reset": "earliest",
  };
}

async function countObjects(s3) {
  const { KeyCount = 0 } = await s3.send(new ListObjectsV2Command({ Bucket: "bench" }));
  return KeyCount;
}

async function failWhenFailed(url) {
  const { tasks } = await rest(url, "GET", "/connectors/paths/status");
  const failed = tasks.find(({ state }) => state === "FAILED");
  if (failed) throw new Error(`The sink failed: ${failed.trace}`);
}
