// Cost of JsonConverter for a Debezium envelope of a 7-column row, compared in the same run with JSON.stringify of the
// same values and Buffer.from. CPU time, which is steadier than the clock on a shared machine.
//   node bench/converter.mjs [--records 300000]
import { RecordHeaders, Struct } from "../dist/src/api/index.js";
import { JsonConverter } from "../dist/src/converters/json/json-converter.js";
import { debeziumEvent } from "./debezium-event.mjs";
import { load, options, report } from "./measurement.mjs";

const { records } = options({ records: 300000 });

/** The same values as plain objects; int64 as text, since JSON.stringify has no bigint. */
function plain(value) {
  if (value instanceof Struct)
    return Object.fromEntries(value.schema.fields.map(({ name, index }) => [name, plain(value.at(index))]));
  if (Buffer.isBuffer(value)) return value.toString("base64");
  return typeof value === "bigint" ? Number(value) : value;
}

const sample = Array.from({ length: 2000 }, (_, i) => debeziumEvent(i));
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
  const found = cost((i) => converter.fromConnectData("t", new RecordHeaders(), sample[i].schema, sample[i]));
  const ratio = Number((found.us_per_record / stringify.us_per_record).toFixed(2));
  report({ what: "converter", label: `JsonConverter, schemas.enable=${enabled}`, ...found, ratio, load1: load() });
}
