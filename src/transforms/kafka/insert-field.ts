import {
  ConfigError,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  INT32,
  INT64,
  invalidValue,
  LOGICAL,
  OPTIONAL_INT32,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  type Props,
  parseConfig,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  type Transformation,
} from "../../api/index.js";
import { changedMap } from "../record/hash-map.js";
import { REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const PURPOSE = "field insertion";
const SUFFIX = "A trailing ! makes the field required, ? leaves it optional, as it is by default.";

const CONFIG = {
  "topic.field": { type: "string", default: null, importance: "medium", doc: `Field for the topic. ${SUFFIX}` },
  "partition.field": { type: "string", default: null, importance: "medium", doc: `Field for the partition. ${SUFFIX}` },
  "offset.field": {
    type: "string",
    default: null,
    importance: "medium",
    doc: `Field for the offset, in sink connectors only. ${SUFFIX}`,
  },
  "timestamp.field": {
    type: "string",
    default: null,
    importance: "medium",
    doc: `Field for the record's timestamp. ${SUFFIX}`,
  },
  "static.field": { type: "string", default: null, importance: "medium", doc: `Field for a fixed text. ${SUFFIX}` },
  "static.value": { type: "string", default: null, importance: "medium", doc: "The text of static.field." },
  ...REPLACE_NULL,
} as const;

const TIMESTAMP = primitive("int64", { name: LOGICAL.timestamp, version: 1 });
const OPTIONAL_TIMESTAMP = primitive("int64", { name: LOGICAL.timestamp, version: 1, optional: true });

interface Insertion {
  readonly name: string;
  readonly schema: Schema;
  /** null: no value; a map then lacks the field. */
  value(record: ConnectRecord): ConnectValue;
}

/** Adds fields with the record's position and time, or a fixed text. */
export class InsertField implements Transformation {
  readonly config = CONFIG;
  #insertions: readonly Insertion[] = [];
  #replacesNull = true;
  readonly #projections = new PerSchema((schema) => this.#projectionOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#replacesNull = values["replace.null.with.default"];
    const text = values["static.value"];
    this.#insertions = [
      ...insertion(values["topic.field"], STRING, OPTIONAL_STRING, ({ topic }) => topic),
      ...insertion(values["partition.field"], INT32, OPTIONAL_INT32, ({ partition }) => partition),
      ...insertion(values["offset.field"], INT64, OPTIONAL_INT64, offsetOf),
      ...insertion(values["timestamp.field"], TIMESTAMP, OPTIONAL_TIMESTAMP, ({ timestampMs }) => timestampMs),
      ...insertion(values["static.field"], STRING, OPTIONAL_STRING, () => text),
    ];
    if (this.#insertions.length === 0) throw new ConfigError("topic.field", "No field insertion configured");
    if (values["static.field"] !== null && text === null) {
      const detail = `No value specified for static field: ${values["static.field"]}`;
      throw new ConfigError("static.value", invalidValue("static.value", null, detail));
    }
  }

  apply(record: ConnectRecord): ConnectRecord {
    const value = this.part.value(record);
    if (value === null) return record;
    const schema = this.part.schema(record);
    if (!schema) {
      const map = requireMap(value, PURPOSE);
      const added = this.#insertions.flatMap(({ name, value: of }) => {
        const inserted = of(record);
        return inserted === null ? [] : [[name, inserted] as const];
      });
      return this.part.replaced(record, null, changedMap(map, added));
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const projection = this.#projections.of(struct.schema);
    const added = this.#insertions.map(({ value: of }) => of(record));
    return this.part.replaced(record, projection.schema, projection.of(struct, added));
  }

  #projectionOf(schema: Schema): Projection {
    return Projection.ofFields(
      [
        ...schema.fields.map(({ name, schema: field, index }) => ({ name, schema: field, from: index })),
        ...this.#insertions.map(({ name, schema: field }) => ({ name, schema: field, from: undefined })),
      ],
      schemaBasics(schema),
      schema,
      this.#replacesNull,
    );
  }
}

function insertion(
  spec: string | null,
  required: Schema,
  optional: Schema,
  value: Insertion["value"],
): readonly Insertion[] {
  if (spec === null) return [];
  const mark = spec.at(-1);
  const name = mark === "!" || mark === "?" ? spec.slice(0, -1) : spec;
  return [{ name, schema: mark === "!" ? required : optional, value }];
}

function offsetOf(record: ConnectRecord): ConnectValue {
  if (record instanceof SinkRecord) return record.offset;
  throw new DataError(
    "VALUE_INVALID",
    "Offset insertion is only supported for sink connectors, record is of type: class org.apache.kafka.connect.source.SourceRecord",
  );
}
