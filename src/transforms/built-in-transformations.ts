import type { Predicate, PredicatePlugin, Transformation, TransformationPlugin } from "../api/index.js";
import { SystemClock } from "../base/clock.js";
import { ByLogicalTableRouter } from "./debezium/by-logical-table-router.js";
import { ContentBasedRouter } from "./debezium/content-based-router.js";
import { DecodeLogicalDecodingMessageContent } from "./debezium/decode-logical-decoding-message-content.js";
import { EventRouter } from "./debezium/event-router.js";
import { ExtractChangedRecordState } from "./debezium/extract-changed-record-state.js";
import { ExtractNewRecordState } from "./debezium/extract-new-record-state.js";
import { Filter as ConditionFilter } from "./debezium/filter.js";
import { HeaderToValue } from "./debezium/header-to-value.js";
import { PartitionRouting } from "./debezium/partition-routing.js";
import { SchemaChangeEventFilter } from "./debezium/schema-change-event-filter.js";
import { TimezoneConverter } from "./debezium/timezone-converter.js";
import { Cast } from "./kafka/cast.js";
import { DropHeaders } from "./kafka/drop-headers.js";
import { ExtractField } from "./kafka/extract-field.js";
import { Filter } from "./kafka/filter.js";
import { Flatten } from "./kafka/flatten.js";
import { HeaderFrom } from "./kafka/header-from.js";
import { HoistField } from "./kafka/hoist-field.js";
import { InsertField } from "./kafka/insert-field.js";
import { InsertHeader } from "./kafka/insert-header.js";
import { MaskField } from "./kafka/mask-field.js";
import { RegexRouter } from "./kafka/regex-router.js";
import { ReplaceField } from "./kafka/replace-field.js";
import { SetSchemaMetadata } from "./kafka/set-schema-metadata.js";
import { TimestampConverter } from "./kafka/timestamp-converter.js";
import { TimestampRouter } from "./kafka/timestamp-router.js";
import { ValueToKey } from "./kafka/value-to-key.js";
import { HasHeaderKey } from "./predicates/has-header-key.js";
import { RecordIsTombstone } from "./predicates/record-is-tombstone.js";
import { TopicNameMatches } from "./predicates/topic-name-matches.js";
import { KEY, type RecordPart, VALUE } from "./record/record-part.js";

/** The built-in transformations behave as in this version of Kafka and report it, as Kafka's own do. */
const KAFKA_VERSION = "4.3.1";
/** Those of Debezium as in this one. */
const DEBEZIUM_VERSION = "3.6.1.Final";
/** Decides the century of years of two digits. */
const CLOCK = new SystemClock();
const KAFKA = "org.apache.kafka.connect.transforms";

function kafka(name: string, transformation: () => Transformation): TransformationPlugin {
  return { className: `${KAFKA}.${name}`, version: KAFKA_VERSION, transformation };
}

function debezium(name: string, transformation: () => Transformation): TransformationPlugin {
  return { className: `io.debezium.${name}`, version: DEBEZIUM_VERSION, transformation };
}

/** A transformation of keys and one of values. */
function ofParts(name: string, make: (part: RecordPart) => Transformation): readonly TransformationPlugin[] {
  return [KEY, VALUE].map((part) => kafka(`${name}$${part.name}`, () => make(part)));
}

function predicate(name: string, make: () => Predicate): PredicatePlugin {
  return { className: `${KAFKA}.predicates.${name}`, version: KAFKA_VERSION, predicate: make };
}

/** Kafka's and Debezium's transformations. */
export const builtInTransformations: readonly TransformationPlugin[] = [
  ...ofParts("Cast", (part) => new Cast(part)),
  kafka("DropHeaders", () => new DropHeaders()),
  ...ofParts("ExtractField", (part) => new ExtractField(part)),
  kafka("Filter", () => new Filter()),
  ...ofParts("Flatten", (part) => new Flatten(part)),
  ...ofParts("HeaderFrom", (part) => new HeaderFrom(part)),
  ...ofParts("HoistField", (part) => new HoistField(part)),
  ...ofParts("InsertField", (part) => new InsertField(part)),
  kafka("InsertHeader", () => new InsertHeader()),
  ...ofParts("MaskField", (part) => new MaskField(part)),
  kafka("RegexRouter", () => new RegexRouter()),
  ...ofParts("ReplaceField", (part) => new ReplaceField(part)),
  ...ofParts("SetSchemaMetadata", (part) => new SetSchemaMetadata(part)),
  ...ofParts("TimestampConverter", (part) => new TimestampConverter(part, CLOCK)),
  kafka("TimestampRouter", () => new TimestampRouter(CLOCK)),
  kafka("ValueToKey", () => new ValueToKey()),
  debezium("transforms.ByLogicalTableRouter", () => new ByLogicalTableRouter()),
  debezium("transforms.ContentBasedRouter", () => new ContentBasedRouter()),
  debezium(
    "connector.postgresql.transforms.DecodeLogicalDecodingMessageContent",
    () => new DecodeLogicalDecodingMessageContent(),
  ),
  debezium("transforms.ExtractChangedRecordState", () => new ExtractChangedRecordState()),
  debezium("transforms.ExtractNewRecordState", () => new ExtractNewRecordState()),
  debezium("transforms.Filter", () => new ConditionFilter()),
  debezium("transforms.HeaderToValue", () => new HeaderToValue()),
  debezium("transforms.SchemaChangeEventFilter", () => new SchemaChangeEventFilter()),
  debezium("transforms.TimezoneConverter", () => new TimezoneConverter(CLOCK)),
  debezium("transforms.outbox.EventRouter", () => new EventRouter()),
  debezium("transforms.partitions.PartitionRouting", () => new PartitionRouting()),
];

/** Kafka's predicates. */
export const builtInPredicates: readonly PredicatePlugin[] = [
  predicate("HasHeaderKey", () => new HasHeaderKey()),
  predicate("RecordIsTombstone", () => new RecordIsTombstone()),
  predicate("TopicNameMatches", () => new TopicNameMatches()),
];
