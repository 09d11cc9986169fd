import type { ConfigDef } from "../../api/index.js";
import { registryKeys } from "../../registry-client/registry-keys.js";

const SERIALIZER = "io.confluent.kafka.serializers.schema.id.";

/** Classes that write and read the id of a record's schema. */
export const ID_CLASSES = {
  prefix: `${SERIALIZER}PrefixSchemaIdSerializer`,
  header: `${SERIALIZER}HeaderSchemaIdSerializer`,
  readPrefix: `${SERIALIZER}PrefixSchemaIdDeserializer`,
  readBoth: `${SERIALIZER}DualSchemaIdDeserializer`,
  readConfig: `${SERIALIZER}ConfigSchemaIdDeserializer`,
} as const;

export const STRATEGIES = {
  topic: "io.confluent.kafka.serializers.subject.TopicNameStrategy",
  record: "io.confluent.kafka.serializers.subject.RecordNameStrategy",
  topicRecord: "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
} as const;

const NULL_CONTEXT = "io.confluent.kafka.serializers.context.NullContextNameStrategy";

/** The keys of the converters that have their schemas in a registry. */
export const registryConverterKeys = {
  ...registryKeys,
  "auto.register.schemas": {
    type: "boolean",
    doc: "Whether to register the schemas of records. Otherwise they must be in the registry.",
    default: true,
    importance: "medium",
  },
  "normalize.schemas": {
    type: "boolean",
    doc: "Whether the registry normalizes schemas, so that the order of properties makes no new version.",
    default: false,
    importance: "medium",
  },
  "propagate.schema.tags": {
    type: "boolean",
    doc: "Whether tags of the earlier version are kept when a schema is registered.",
    default: false,
    importance: "low",
  },
  "use.schema.id": {
    type: "int",
    doc: "The id of the schema to write, with auto.register.schemas=false; -1: none.",
    default: -1,
    importance: "low",
  },
  "use.schema.guid": {
    type: "string",
    doc: "The GUID of the schema to write, with auto.register.schemas=false.",
    default: null,
    importance: "low",
  },
  "id.compatibility.strict": {
    type: "boolean",
    doc: "Whether the schema of use.schema.id or use.schema.guid must be able to read what the record's schema writes.",
    default: true,
    importance: "low",
  },
  "use.latest.version": {
    type: "boolean",
    doc: "Whether to write the subject's latest version, with auto.register.schemas=false, and to read as it.",
    default: false,
    importance: "low",
  },
  "use.latest.with.metadata": {
    type: "string",
    doc: "KEY=VALUE, …: like use.latest.version, of the versions with these metadata properties.",
    default: null,
    importance: "low",
  },
  "latest.compatibility.strict": {
    type: "boolean",
    doc: "Whether the latest version must be able to read what the record's schema writes.",
    default: true,
    importance: "low",
  },
  "key.subject.name.strategy": {
    type: "class",
    doc: "How a key's subject is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.",
    default: STRATEGIES.topic,
    importance: "medium",
  },
  "value.subject.name.strategy": {
    type: "class",
    doc: "How a value's subject is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.",
    default: STRATEGIES.topic,
    importance: "medium",
  },
  "context.name.strategy": {
    type: "class",
    doc: "How a subject's context is named. Only the default context can be chosen here; the URL may name another.",
    default: NULL_CONTEXT,
    importance: "low",
    check: (key, value) =>
      value === NULL_CONTEXT
        ? undefined
        : `Invalid value ${value} for configuration ${key}: Java classes cannot be loaded; put the context into schema.registry.url, as /contexts/NAME`,
  },
  "key.schema.id.serializer": {
    type: "class",
    doc: "Where the id of a key's schema is written: before the key, or as a GUID in a header.",
    default: ID_CLASSES.prefix,
    importance: "low",
  },
  "value.schema.id.serializer": {
    type: "class",
    doc: "Where the id of a value's schema is written: before the value, or as a GUID in a header.",
    default: ID_CLASSES.prefix,
    importance: "low",
  },
  "key.schema.id.deserializer": {
    type: "class",
    doc: "Where the id of a key's schema is read: in a header or else before the key (Dual), before the key, or use.schema.id.",
    default: ID_CLASSES.readBoth,
    importance: "low",
  },
  "value.schema.id.deserializer": {
    type: "class",
    doc: "Where the id of a value's schema is read: in a header or else before the value (Dual), before the value, or use.schema.id.",
    default: ID_CLASSES.readBoth,
    importance: "low",
  },
  "schemas.cache.config": {
    type: "int",
    doc: "The number of schemas whose conversion is kept.",
    default: 1000,
    importance: "low",
  },
} as const satisfies ConfigDef;
