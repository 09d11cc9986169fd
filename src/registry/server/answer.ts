import { type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { referenceJson } from "../state/registry-records.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { metadataJson, type ScopeConfig } from "../state/scope-config.js";

/** What a route answers: JSON, or a text as it is. */
export type Answer =
  | { readonly status?: number; readonly json: Json }
  | { readonly status?: number; readonly text: string; readonly type?: string }
  /** 204 */
  | { readonly status: 204 };

/** The releases of Schema Registry whose answers can be given. */
export type Release = 7 | 8;

type Members = readonly (readonly [key: string, value: Json | undefined])[];

export function answer(json: Json): Answer {
  return { json };
}

export function numbers(values: readonly number[]): Json {
  return values.map((value) => new JsonNumber(String(value)));
}

export function number(value: number): JsonNumber {
  return new JsonNumber(String(value));
}

/** An object without the members that are undefined. */
export function object(members: Members): JsonObject {
  return new Map(members.filter((member): member is [string, Json] => member[1] !== undefined));
}

/** A version, as lists, look-ups and reads show it. */
export function schemaJson(entry: SchemaEntry, release: Release, text = entry.schema): JsonObject {
  return object([
    ["subject", entry.subject],
    ["version", number(entry.version)],
    ["id", number(entry.id)],
    ["guid", since8(release, entry.guid)],
    ["schemaType", typeOf(entry, release)],
    ...referencesAndMetadata(entry),
    ["schema", text],
    ...stored(entry, release),
  ]);
}

/** A schema by its id or guid. @param place the subject and version, if the request has asked for them */
export function schemaStringJson(
  entry: SchemaEntry,
  release: Release,
  { text = entry.schema, isPlaced, highestId }: { text?: string; isPlaced: boolean; highestId?: number | undefined },
): JsonObject {
  return object([
    ["subject", isPlaced ? entry.subject : undefined],
    ["version", isPlaced ? number(entry.version) : undefined],
    ["guid", since8(release, entry.guid)],
    ["schemaType", typeOf(entry, release)],
    ["schema", text],
    ...referencesAndMetadata(entry),
    ["maxId", highestId === undefined ? undefined : number(highestId)],
    ...stored(entry, release),
  ]);
}

export function registeredJson(entry: SchemaEntry, release: Release): JsonObject {
  return object([
    ["id", number(entry.id)],
    ["version", number(entry.version)],
    ["guid", since8(release, entry.guid)],
    ["schemaType", typeOf(entry, release)],
    ...referencesAndMetadata(entry),
    ["schema", entry.schema],
    ...stored(entry, release),
  ]);
}

/** @param levelKey `compatibility` in answers to changes */
export function configJson(config: ScopeConfig, levelKey: "compatibility" | "compatibilityLevel"): JsonObject {
  return new Map([...config].map(([key, value]) => [key === "compatibilityLevel" ? levelKey : key, value]));
}

function referencesAndMetadata({ references, metadata, ruleSet }: SchemaEntry): Members {
  return [
    ["references", references.length === 0 ? undefined : references.map(referenceJson)],
    ["metadata", metadata && metadataJson(metadata)],
    ["ruleSet", ruleSet],
  ];
}

function stored({ timestampMs, deleted }: SchemaEntry, release: Release): Members {
  return [
    ["ts", timestampMs < 0 ? undefined : since8(release, number(timestampMs))],
    ["deleted", since8(release, deleted)],
  ];
}

function typeOf({ schemaType }: SchemaEntry, release: Release): string | undefined {
  return schemaType === "AVRO" && release < 8 ? undefined : schemaType;
}

function since8<T>(release: Release, value: T): T | undefined {
  return release < 8 ? undefined : value;
}
