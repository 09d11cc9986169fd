import { LOG_LEVELS } from "../../base/log/log-levels.js";

/** JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it. */
export type Schema = Readonly<Record<string, unknown>>;

/** A reference to one of SCHEMAS. */
export function schema(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text = { type: "string" };
const nullableText = { type: ["string", "null"] };
const integer = { type: "integer" };
const boolean = { type: "boolean" };
const listOf = (items: Schema): Schema => ({ type: "array", items });
const mapOf = (additionalProperties: Schema): Schema => ({ type: "object", additionalProperties });
const oneOf = (...values: readonly string[]): Schema => ({ enum: values });

/** An object with exactly these members; those of `optional` may be absent. */
function record(required: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}): Schema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

const connectorType = oneOf("source", "sink", "unknown");
const instance = {
  state: oneOf("UNASSIGNED", "RUNNING", "PAUSED", "STOPPED", "FAILED", "RESTARTING"),
  worker_id: text,
};
const instanceOptions = {
  version: { ...nullableText, description: "null where the writer of the status did not know it." },
  trace: { ...text, description: "Why it failed, or what a running task waits for." },
};
const levels = oneOf(...LOG_LEVELS.map((level) => level.toUpperCase()));

/** The bodies of requests and answers, by name. */
export const SCHEMAS = {
  Error: record({ error_code: integer, message: text }),
  Server: record({ version: text, commit: text, kafka_cluster_id: text }),
  Health: record({ status: oneOf("healthy", "starting", "unhealthy"), message: text }),
  Message: record({ message: text }),
  Document: { type: "object" },
  Metrics: text,
  Names: listOf(text),
  Config: {
    ...mapOf(nullableText),
    description: "Configuration by key. Requests may hold numbers and booleans, which become texts.",
  },
  SubmittedConfig: mapOf({ type: ["string", "number", "boolean", "null"] }),
  CreateRequest: {
    type: "object",
    properties: {
      name: nullableText,
      config: { anyOf: [ref("SubmittedConfig"), { type: "null" }] },
      initial_state: { ...nullableText, description: "RUNNING, PAUSED or STOPPED, in any case." },
    },
    additionalProperties: false,
  },
  TaskId: record({ connector: text, task: integer }),
  Connector: record({ name: text, config: ref("Config"), tasks: listOf(ref("TaskId")), type: connectorType }),
  ConnectorStatus: record({
    name: text,
    connector: record(instance, instanceOptions),
    tasks: listOf(ref("TaskStatus")),
    type: connectorType,
  }),
  TaskStatus: record({ id: integer, ...instance }, instanceOptions),
  ExpandedConnectors: mapOf(record({}, { status: ref("ConnectorStatus"), info: ref("Connector") })),
  Connectors: { anyOf: [ref("Names"), ref("ExpandedConnectors")] },
  Tasks: listOf(record({ id: ref("TaskId"), config: ref("Config") })),
  TaskConfigs: listOf(ref("SubmittedConfig")),
  Topics: mapOf(record({ topics: listOf(text) })),
  Offsets: record({
    offsets: listOf(record({ partition: { type: "object" }, offset: { type: ["object", "null"] } })),
  }),
  Plugins: listOf(
    record(
      {
        class: text,
        type: oneOf("source", "sink", "transformation", "predicate", "converter", "header_converter"),
      },
      { version: text },
    ),
  ),
  ConfigKey: record({
    name: text,
    type: oneOf("BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD"),
    required: boolean,
    default_value: nullableText,
    importance: oneOf("HIGH", "MEDIUM", "LOW"),
    documentation: text,
    group: nullableText,
    order_in_group: integer,
    width: oneOf("NONE", "SHORT", "MEDIUM", "LONG"),
    display_name: text,
    dependents: listOf(text),
  }),
  ConfigKeys: listOf(ref("ConfigKey")),
  ConfigValue: record({
    name: text,
    value: nullableText,
    recommended_values: listOf(text),
    errors: listOf(text),
    visible: boolean,
  }),
  ConfigInfos: record({
    name: text,
    error_count: integer,
    groups: listOf(text),
    configs: listOf(
      record({
        definition: { anyOf: [ref("ConfigKey"), { type: "null" }] },
        value: { anyOf: [ref("ConfigValue"), { type: "null" }] },
      }),
    ),
  }),
  Logger: record({ level: levels, last_modified: { type: ["integer", "null"] } }),
  Loggers: mapOf(ref("Logger")),
  LevelRequest: mapOf(nullableText),
} as const satisfies Readonly<Record<string, Schema>>;
