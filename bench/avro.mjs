// Cost of Avro in one thread: a struct of 20 fields, encoded and decoded (goal: 250,000 a second each), and Debezium
// envelopes through AvroConverter, compared in the same run with JsonConverter with schemas.enable=false. CPU time, which
// is steadier than the clock on a shared machine; the best of several rounds, in turns.
//   node bench/avro.mjs [--records 200000]
import {
  ArrayStruct,
  AvroReader,
  AvroWriter,
  BOOLEAN,
  ByteSlab,
  FLOAT64,
  INT32,
  INT64,
  NotPreparedError,
  OPTIONAL_INT32,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  RecordHeaders,
  STRING,
  structOf,
} from "../dist/src/api/index.js";
import { SystemClock } from "../dist/src/base/clock.js";
import { SystemRandom } from "../dist/src/base/random.js";
import { AvroConverter } from "../dist/src/converters/avro/avro-converter.js";
import { JsonConverter } from "../dist/src/converters/json/json-converter.js";
import { debeziumEvent } from "./debezium-event.mjs";
import { load, options, report } from "./measurement.mjs";

const { records } = options({ records: 200000 });
const GOAL = 250_000;
const ROUNDS = 7;

/** A registry that gives every schema an id, without a network. */
const schemas = [];
const registry = {
  async send({ url, body }) {
    const id = url.pathname.startsWith("/schemas/ids/") ? Number(url.pathname.split("/").at(-1)) : undefined;
    const schema = id === undefined ? JSON.parse(body.toString()).schema : schemas[id];
    if (!schemas.includes(schema)) schemas.push(schema);
    const answer = { id: schemas.indexOf(schema), version: 1, schema };
    return { status: 200, body: Buffer.from(JSON.stringify(answer)) };
  },
};

const kinds = [INT64, INT32, OPTIONAL_STRING, STRING, OPTIONAL_INT64, FLOAT64, BOOLEAN, OPTIONAL_INT32, STRING, INT64];
const twenty = structOf(
  Array.from({ length: 20 }, (_, i) => [`field_${i}`, kinds[i % kinds.length]]),
  { name: "bench.Twenty" },
);
const values = (i) => [
  i,
  i % 1000,
  `name ${i % 977}`,
  `a text of some length: ${i}`,
  null,
  i / 8,
  i % 2 === 0,
  i & 255,
  "x",
  1_763_740_000_000 + i,
];
const structs = Array.from({ length: 2000 }, (_, i) => new ArrayStruct(twenty, [...values(i), ...values(i + 7)]));

/** The best cost of each of `works`, in microseconds of CPU for each record; in turns, so that all share the weather. */
function costs(works) {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, work] of works.entries()) {
      const before = process.cpuUsage();
      for (let i = 0; i < records; i++) work(i % 2000);
      const { user, system } = process.cpuUsage(before);
      best[at] = Math.min(best[at], (user + system) / records);
    }
  }
  return best;
}

const slab = new ByteSlab();
const writer = new AvroWriter(twenty);
const reader = new AvroReader(writer.avro);
const encode = (i) => {
  slab.begin();
  writer.write(slab, structs[i]);
  const bytes = slab.finish();
  slab.release();
  return bytes;
};
const encoded = structs.map((_, i) => Buffer.from(encode(i)));
const [writeUs, readUs] = costs([encode, (i) => reader.read(encoded[i])]);
for (const [label, us] of [
  ["encode a struct of 20 fields", writeUs],
  ["decode a struct of 20 fields", readUs],
]) {
  const perSecond = Math.round(1_000_000 / us);
  report({
    what: "avro",
    label,
    us_per_record: round(us),
    per_second: perSecond,
    goal: GOAL,
    met: perSecond >= GOAL,
    load1: load(),
  });
}

const clock = new SystemClock();
const avro = new AvroConverter({ clock, random: new SystemRandom(), http: () => registry });
avro.configure({ "schema.registry.url": "http://registry" }, false);
const json = new JsonConverter();
json.configure({ "schemas.enable": "false" }, false);
const events = Array.from({ length: 2000 }, (_, i) => debeziumEvent(i));
const headers = new RecordHeaders();

/** Converts, as the worker does: a schema that is new is prepared once. */
async function prepared(convert, subject) {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof NotPreparedError)) throw error;
    await avro.prepare("t", subject, []);
    return convert();
  }
}

const toAvro = (i) => {
  const bytes = avro.fromConnectData("t", headers, events[i].schema, events[i]);
  avro.release();
  return bytes;
};
const toJson = (i) => {
  const bytes = json.fromConnectData("t", headers, events[i].schema, events[i]);
  json.release();
  return bytes;
};
await prepared(() => toAvro(0), events[0].schema);
const asAvro = events.map((_, i) => Buffer.from(toAvro(i)));
const asJson = events.map((_, i) => Buffer.from(toJson(i)));
await prepared(() => avro.toConnectData("t", [], asAvro[0]), asAvro[0]);
const [toAvroUs, toJsonUs, fromAvroUs, fromJsonUs] = costs([
  toAvro,
  toJson,
  (i) => avro.toConnectData("t", [], asAvro[i]),
  (i) => json.toConnectData("t", [], asJson[i]),
]);
for (const [label, us, other] of [
  ["AvroConverter writes a Debezium event", toAvroUs, toJsonUs],
  ["AvroConverter reads a Debezium event", fromAvroUs, fromJsonUs],
]) {
  report({
    what: "avro",
    label,
    us_per_record: round(us),
    json_us_per_record: round(other),
    ratio: round(us / other),
    bytes_per_record: asAvro[0].length,
    json_bytes_per_record: asJson[0].length,
    load1: load(),
  });
}

function round(value) {
  return Number(value.toFixed(2));
}
