import type { Predicate, PredicatePlugin, Transformation, TransformationPlugin } from "../api/index.js";
import { DropHeaders } from "./kafka/drop-headers.js";
import { Filter } from "./kafka/filter.js";
import { HeaderFrom } from "./kafka/header-from.js";
import { HoistField } from "./kafka/hoist-field.js";
import { InsertField } from "./kafka/insert-field.js";
import { InsertHeader } from "./kafka/insert-header.js";
import { ReplaceField } from "./kafka/replace-field.js";
import { SetSchemaMetadata } from "./kafka/set-schema-metadata.js";
import { ValueToKey } from "./kafka/value-to-key.js";
import { HasHeaderKey } from "./predicates/has-header-key.js";
import { RecordIsTombstone } from "./predicates/record-is-tombstone.js";
import { TopicNameMatches } from "./predicates/topic-name-matches.js";
import { KEY, type RecordPart, VALUE } from "./record/record-part.js";

/** The built-in transformations behave as in this version of Kafka and report it, as Kafka's own do. */
const KAFKA_VERSION = "4.3.1";
const KAFKA = "org.apache.kafka.connect.transforms";

function kafka(name: string, transformation: () => Transformation): TransformationPlugin {
  return { className: `${KAFKA}.${name}`, version: KAFKA_VERSION, transformation };
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
  kafka("DropHeaders", () => new DropHeaders()),
  kafka("Filter", () => new Filter()),
  ...ofParts("HeaderFrom", (part) => new HeaderFrom(part)),
  ...ofParts("HoistField", (part) => new HoistField(part)),
  ...ofParts("InsertField", (part) => new InsertField(part)),
  kafka("InsertHeader", () => new InsertHeader()),
  ...ofParts("ReplaceField", (part) => new ReplaceField(part)),
  ...ofParts("SetSchemaMetadata", (part) => new SetSchemaMetadata(part)),
  kafka("ValueToKey", () => new ValueToKey()),
];

/** Kafka's predicates. */
export const builtInPredicates: readonly PredicatePlugin[] = [
  predicate("HasHeaderKey", () => new HasHeaderKey()),
  predicate("RecordIsTombstone", () => new RecordIsTombstone()),
  predicate("TopicNameMatches", () => new TopicNameMatches()),
];
