import {
  adjustedSchemaName,
  allOf,
  ConfigError,
  type ConnectRecord,
  type ConnectValue,
  javaReplacer,
  type NameAdjustment,
  type Props,
  parseConfig,
  type Schema,
  type SchemaAttributes,
  STRING,
  Struct,
  type Transformation,
  withAttributes,
} from "../../api/index.js";
import { isPattern } from "../record/pattern-check.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireStruct } from "../record/value-shape.js";
import { oneIn, required } from "./config-rules.js";
import { changeEvent } from "./envelope.js";

const CONFIG = {
  "topic.regex": {
    type: "string",
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Topic regex",
    check: allOf(required, isPattern),
    doc: "A Java regular expression for the whole names of the topics to merge.",
  },
  "topic.replacement": {
    type: "string",
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Topic replacement",
    check: required,
    doc: "The topic of the logical table: `$1` stands for the expression's first group.",
  },
  "key.enforce.uniqueness": {
    type: "boolean",
    default: true,
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Add source topic name into key",
    doc: "Whether the key gets a field that distinguishes the tables.",
  },
  "key.field.regex": {
    type: "string",
    default: null,
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Key field regex",
    check: isPattern,
    doc: "A Java regular expression for whole topic names, to make that field's value.",
  },
  "key.field.replacement": {
    type: "string",
    default: null,
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Key field replacement",
    doc: "That field's value, for topics that match key.field.regex; the topic's name for others.",
  },
  "logical.table.cache.size": {
    type: "int",
    default: 16,
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Logical table cache size",
    doc: "No effect: what is known of a schema is kept as long as the schema.",
  },
} as const;

/** Keys that Debezium reads without defining them. */
const UNLISTED = {
  "key.field.name": { type: "string", default: "__dbz__physicalTableIdentifier", doc: "The name of that field." },
  "schema.name.adjustment.mode": {
    type: "string",
    default: "none",
    check: oneIn("none", "avro", "avro_unicode"),
    doc: "How the names of schemas are adjusted: none, avro or avro_unicode.",
  },
} as const;

type Replace = (text: string) => string | undefined;

/** Sends the events of many tables to one topic, `io.debezium.transforms.ByLogicalTableRouter`. */
export class ByLogicalTableRouter implements Transformation {
  readonly config = CONFIG;
  #topicOf: Replace = () => undefined;
  #tableOf: Replace = () => undefined;
  #keyField: string | undefined;
  #adjustment: NameAdjustment = "none";
  readonly #keys = new PerSchema((schema) => new PerTopic((topic) => this.#keyOf(schema, topic)));
  readonly #events = new PerSchema(
    (schema) =>
      new PerTopic((topic) => new RenamedEvent(schema, this.#nameOf(topic, "Value"), this.#nameOf(topic, "Envelope"))),
  );

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    const unlisted = parseConfig(UNLISTED, props);
    this.#topicOf = javaReplacer(
      { pattern: "topic.regex", replacement: "topic.replacement" },
      values["topic.regex"],
      values["topic.replacement"],
    );
    const [pattern, replacement] = [values["key.field.regex"] ?? "", values["key.field.replacement"] ?? ""];
    if (pattern !== "" && replacement === "")
      throw new ConfigError(
        "key.field.replacement",
        "Invalid value null for configuration key.field.replacement: key.field.replacement must be non-empty if key.field.regex is set.",
      );
    if (pattern !== "")
      this.#tableOf = javaReplacer(
        { pattern: "key.field.regex", replacement: "key.field.replacement" },
        pattern,
        replacement,
      );
    this.#adjustment = unlisted["schema.name.adjustment.mode"].trim().toLowerCase() as NameAdjustment;
    this.#keyField = values["key.enforce.uniqueness"] ? unlisted["key.field.name"] : undefined;
  }

  apply(record: ConnectRecord): ConnectRecord {
    const topic = this.#topicOf(record.topic);
    if (topic === undefined || topic === "") return record;
    const routed = this.#withKey(record.with({ topic }), record.topic, topic);
    const event = changeEvent(record);
    if (!event) return routed;
    const renamed = this.#events.of(event.schema).of(topic);
    return routed.with({ valueSchema: renamed.schema, value: renamed.of(event) });
  }

  #nameOf(topic: string, part: string): string {
    return adjustedSchemaName(this.#adjustment, `${topic}.${part}`);
  }

  #withKey(record: ConnectRecord, from: string, to: string): ConnectRecord {
    if (record.key === null) return record.with({ keySchema: null });
    const key = requireStruct(record.keySchema, record.key, "Updating schema");
    const projection = this.#keys.of(key.schema).of(to);
    const added = this.#keyField === undefined ? [] : [this.#tableOf(from) ?? from];
    return record.with({ keySchema: projection.schema, key: projection.of(key, added) });
  }

  #keyOf(schema: Schema, topic: string): Projection {
    const fields = schema.fields.map(({ name, schema: field, index }) => ({ name, schema: field, from: index }));
    const table = this.#keyField === undefined ? [] : [{ name: this.#keyField, schema: STRING, from: undefined }];
    return Projection.ofFields([...fields, ...table], attributes(schema, this.#nameOf(topic, "Key")), schema, false);
  }
}

class PerTopic<T> {
  readonly #known = new Map<string, T>();

  constructor(private readonly make: (topic: string) => T) {}

  of(topic: string): T {
    const known = this.#known.get(topic) ?? this.make(topic);
    this.#known.set(topic, known);
    return known;
  }
}

/** Events under the names of the logical table, in the rows, too. */
class RenamedEvent {
  readonly #rows: readonly number[];
  readonly #row: Projection | undefined;
  readonly #event: Projection;

  constructor(event: Schema, rowName: string, name: string) {
    const before = event.field("before")?.schema;
    const rows = event.fields.filter(({ name }) => before && (name === "before" || name === "after"));
    this.#rows = rows.map(({ index }) => index);
    if (before) {
      const schema = withAttributes(before, { name: rowName });
      const froms = before.fields.map(({ index }) => index);
      this.#row = new Projection(schema, froms, before, false);
    }
    const fields = event.fields.map(({ name, schema, index }) =>
      this.#rows.includes(index) ? { name, schema: this.#row!.schema, from: undefined } : { name, schema, from: index },
    );
    this.#event = Projection.ofFields(fields, attributes(event, name), event, false);
  }

  get schema(): Schema {
    return this.#event.schema;
  }

  of(event: Struct): Struct {
    const rows = this.#rows.map((index): ConnectValue => {
      const row = event.at(index);
      return row instanceof Struct ? this.#row!.of(row) : null;
    });
    return this.#event.of(event, rows);
  }
}

function attributes(schema: Schema, name: string): SchemaAttributes {
  return { ...schemaBasics(schema), name, optional: schema.optional };
}
