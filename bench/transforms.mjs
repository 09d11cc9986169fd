// CPU per Debezium event through a chain of three transformations and JsonConverter, compared in the same run with
// JsonConverter alone.
//   node bench/transforms.mjs [--records 300000]
import { RecordHeaders, SourceRecord } from "../dist/src/api/index.js";
import { JsonConverter } from "../dist/src/converters/json/json-converter.js";
import { builtInTransformations } from "../dist/src/transforms/built-in-transformations.js";
import { debeziumEvent } from "./debezium-event.mjs";
import { load, options, report } from "./measurement.mjs";

const { records } = options({ records: 300000 });

const CHAINS = {
  none: [],
  "InsertField, Cast, ReplaceField": [
    ["InsertField", { "topic.field": "__topic", "static.field": "region", "static.value": "eu" }],
    ["Cast", { spec: "ts_ms:string" }],
    ["ReplaceField", { exclude: "ts_us", renames: "ts_ns:nanos" }],
  ],
  "ExtractField, InsertField, ReplaceField": [
    ["ExtractField", { field: "after" }],
    ["InsertField", { "topic.field": "__topic", "static.field": "region", "static.value": "eu" }],
    ["ReplaceField", { exclude: "note", renames: "created:created_us" }],
  ],
};

const sample = Array.from({ length: 2000 }, (_, i) => {
  const value = debeziumEvent(i);
  return new SourceRecord({}, {}, "shop.public.orders", null, null, null, value.schema, value);
});

function made([name, props]) {
  const className = `org.apache.kafka.connect.transforms.${name}$Value`;
  const transformation = builtInTransformations.find((plugin) => plugin.className === className).transformation();
  transformation.configure(props);
  return transformation;
}

/** The best of several rounds, in microseconds per record. */
function cost(chain) {
  const converter = new JsonConverter();
  converter.configure({ "schemas.enable": "false" }, false);
  const headers = new RecordHeaders();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < records; i++) {
      let record = sample[i % sample.length];
      for (const transformation of chain) record = transformation.apply(record);
      converter.fromConnectData(record.topic, headers, record.valueSchema, record.value);
      converter.release();
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / records);
  }
  return best;
}

let alone;
for (const [label, steps] of Object.entries(CHAINS)) {
  const us = cost(steps.map(made));
  alone ??= us;
  report({
    what: "transforms",
    label,
    us_per_record: Number(us.toFixed(2)),
    rate_of_none: Number((alone / us).toFixed(2)),
    load1: load(),
  });
}
