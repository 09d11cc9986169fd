// A child of s3-sink.mjs: one S3 sink task that writes records of its own, or the SDK alone that uploads as many bytes.
// Prints its figures as one JSON line.
import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ArrayStruct, LOGICAL, primitive, SinkRecord, structOf } from "../dist/src/api/index.js";
import { SystemClock } from "../dist/src/base/clock.js";
import { silentLogger } from "../dist/src/base/logger.js";
import { SystemRandom } from "../dist/src/base/random.js";
import { converters } from "../dist/src/converters/built-in-converters.js";

const BATCH = 500;
/** Different values; record n has value n modulo this. */
const VALUES = 20_000;
const CONCURRENT_UPLOADS = 8;
const HOUR_MS = 3_600_000;
const FIRST_MS = Date.UTC(2025, 0, 1);
const given = JSON.parse(process.argv[2]);
const SCHEMA = structOf([
  ["id", primitive("int64")],
  ["customer", primitive("string", { optional: true })],
  ["country", primitive("string")],
  ["amount", primitive("float64")],
  ["paid", primitive("boolean")],
  ["at", primitive("int64", { name: LOGICAL.timestamp, version: 1 })],
  ["note", primitive("string")],
]);

const began = { at: performance.now(), cpu: process.cpuUsage() };
if (given.sizes) await uploadBySdk(given.sizes);
else await writeByTask();
const { user, system } = process.cpuUsage(began.cpu);
console.log(
  JSON.stringify({
    seconds: (performance.now() - began.at) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMib: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

async function writeByTask() {
  const { default: plugins } = await import("../dist/connectors/s3/index.js");
  const task = await plugins[0].task();
  const partition = { topic: "bench", partition: 0 };
  await task.start(contextOf(partition), given.props);
  await task.open([partition]);
  const values = Array.from({ length: VALUES }, (_, at) => valueAt(at));
  began.at = performance.now();
  began.cpu = process.cpuUsage();
  for (let from = 0; from < given.records; from += BATCH) {
    const count = Math.min(BATCH, given.records - from);
    await task.put(Array.from({ length: count }, (_, at) => recordOf(from + at, values[(from + at) % VALUES])));
  }
  for (let committed = 0; committed < given.records; ) {
    await task.put([]);
    const [offset] = await task.preCommit([{ ...partition, offset: given.records }]);
    committed = offset?.offset ?? 0;
  }
  await task.close([partition]);
  await task.stop();
}

function recordOf(offset, value) {
  const timestampMs = FIRST_MS + (offset % given.paths) * HOUR_MS;
  return new SinkRecord("bench", 0, null, null, SCHEMA, value, offset, timestampMs, "CreateTime");
}

function valueAt(at) {
  const outputLength = Math.max(1, Math.round((given.bytes - 100) * 0.75));
  const note = createHash("shake256", { outputLength }).update(String(at)).digest("base64");
  const countries = ["de", "fr", "it", "es", "pl"];
  const customer = at % 10 === 0 ? null : `customer ${at % 997}`;
  return new ArrayStruct(SCHEMA, [
    at,
    customer,
    countries[at % 5],
    at * 1.25,
    at % 3 === 0,
    1_700_000_000_000 + at,
    note,
  ]);
}

function contextOf(partition) {
  return {
    connectorName: "bench",
    taskId: 0,
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
    stopping: new AbortController().signal,
    waitingFor: () => undefined,
    converter: (className, props, isKey) => {
      const converter = converters.get(className)();
      converter.configure(props, isKey);
      return converter;
    },
    assignment: () => [partition],
    seek: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    requestCommit: () => undefined,
    commitTimeoutMs: 60_000,
    retryAfter: () => undefined,
    reportErrant: undefined,
  };
}

async function uploadBySdk(sizes) {
  const { endpoint, credentials, bucket } = given;
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  const body = Buffer.alloc(Math.max(...sizes), "bytes that mean nothing ");
  began.at = performance.now();
  began.cpu = process.cpuUsage();
  const queue = [...sizes.entries()];
  const upload = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [at, size] = next;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `sdk/${at}`, Body: body.subarray(0, size) }));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_UPLOADS }, upload));
  client.destroy();
}
