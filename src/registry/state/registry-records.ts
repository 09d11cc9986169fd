import type { StoreRecord } from "../../stores/log-transport.js";
import { isArray, isObject, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { readJson } from "../json/read-json.js";
import { writeJson } from "../json/write-json.js";
import { SCHEMA_TYPES, type SchemaReference } from "../schema/schema-text.js";
import type { SchemaValue } from "./schema-entry.js";
import { metadataJson, metadataOf, type ScopeConfig, scopeConfig } from "./scope-config.js";
import { TOP_LEVEL } from "./subject-name.js";

/** The key of a record, whatever its spelling. Other types are of other registries, and left alone. */
export type RegistryKey =
  | { readonly keytype: "SCHEMA"; readonly subject: string; readonly version: number }
  | { readonly keytype: "CONFIG" | "MODE" | "DELETE_SUBJECT" | "CLEAR_SUBJECT"; readonly subject: string }
  | { readonly keytype: "NOOP" | "ASSOC" }
  | { readonly keytype: "CONTEXT"; readonly context: string };

const MAGIC: Readonly<Record<string, readonly string[]>> = { SCHEMA: ["0", "1"] };

/** @throws Error saying why the key is none of a registry */
export function readKey(bytes: Buffer): RegistryKey {
  const json = objectOf(bytes);
  const keytype = json.get("keytype");
  const magic = json.get("magic");
  const subject = textOf(json, "subject") ?? TOP_LEVEL;
  const allowed = typeof keytype === "string" ? (MAGIC[keytype] ?? ["0"]) : [];
  switch (keytype) {
    case "SCHEMA":
    case "CONFIG":
    case "MODE":
    case "DELETE_SUBJECT":
    case "CLEAR_SUBJECT":
    case "NOOP":
    case "CONTEXT":
      break;
    case "ASSOC":
      return { keytype };
    default:
      throw new Error(`unknown key type ${typeof keytype === "string" ? keytype : "(none)"}`);
  }
  if (!(magic instanceof JsonNumber) || !allowed.includes(magic.literal)) throw new Error("unknown magic number");
  if (keytype === "SCHEMA") return { keytype, subject, version: required(integerOf(json, "version"), "version") };
  if (keytype === "CONTEXT") return { keytype, context: required(textOf(json, "context"), "context") };
  if (keytype === "NOOP") return { keytype };
  return { keytype, subject };
}

/** @throws Error saying what the value lacks */
export function readSchemaValue(bytes: Buffer): SchemaValue {
  const json = objectOf(bytes);
  const type = textOf(json, "schemaType") ?? "AVRO";
  const schemaType = SCHEMA_TYPES.find((each) => each === type);
  if (!schemaType) throw new Error(`unknown schema type ${type}`);
  const ruleSet = json.get("ruleSet");
  return {
    subject: required(textOf(json, "subject"), "subject"),
    version: required(integerOf(json, "version"), "version"),
    id: required(integerOf(json, "id"), "id"),
    schemaType,
    references: readReferences(json.get("references")),
    metadata: metadataOf(json.get("metadata")),
    ruleSet: ruleSet === null ? undefined : ruleSet,
    md5: textOf(json, "md5"),
    schema: required(textOf(json, "schema"), "schema"),
    deleted: json.get("deleted") === true,
  };
}

export function readReferences(json: Json | undefined): readonly SchemaReference[] {
  if (!isArray(json)) return [];
  return json.filter(isObject).map((each) => ({
    name: textOf(each, "name") ?? "",
    subject: textOf(each, "subject") ?? "",
    version: integerOf(each, "version") ?? -1,
  }));
}

export function readConfigValue(bytes: Buffer): ScopeConfig {
  return scopeConfig(objectOf(bytes));
}

/** @returns the mode, or undefined where a record has none */
export function readModeValue(bytes: Buffer): string | undefined {
  return textOf(objectOf(bytes), "mode");
}

/** The highest version that a DELETE_SUBJECT record deletes. */
export function readWatermark(bytes: Buffer): number {
  return required(integerOf(objectOf(bytes), "version"), "version");
}

export function schemaKey(subject: string, version: number): Buffer {
  return bytesOf([
    ["keytype", "SCHEMA"],
    ["subject", subject],
    ["version", number(version)],
    ["magic", number(1)],
  ]);
}

/** @param hasAvroType whether Avro's type is written, which registries before 8 leave out */
export function schemaRecord(value: SchemaValue, hasAvroType: boolean): StoreRecord {
  const { subject, version, id, md5, schemaType, references, metadata, ruleSet, schema, deleted } = value;
  return {
    key: schemaKey(subject, version),
    value: bytesOf([
      ["subject", subject],
      ["version", number(version)],
      ["id", number(id)],
      ["md5", md5],
      ["schemaType", schemaType === "AVRO" && !hasAvroType ? undefined : schemaType],
      ["references", references.length === 0 ? undefined : references.map(referenceJson)],
      ["metadata", metadata && metadataJson(metadata)],
      ["ruleSet", ruleSet],
      ["schema", schema],
      ["deleted", deleted],
    ]),
  };
}

export function referenceJson({ name, subject, version }: SchemaReference): JsonObject {
  return new Map<string, Json>([
    ["name", name],
    ["subject", subject],
    ["version", number(version)],
  ]);
}

/** The record of a scope's configuration or mode. @param members undefined: it is removed */
function scopeRecord(keytype: string, scope: string, members: Members | undefined): StoreRecord {
  const subject: Members = scope === TOP_LEVEL ? [] : [["subject", scope]];
  return {
    key: bytesOf([["keytype", keytype], ...subject, ["magic", number(0)]]),
    value: members ? bytesOf([...subject, ...members]) : null,
  };
}

export function configRecord(scope: string, config: ScopeConfig | undefined): StoreRecord {
  return scopeRecord("CONFIG", scope, config && [...config]);
}

export function modeRecord(scope: string, mode: string | undefined): StoreRecord {
  return scopeRecord("MODE", scope, mode === undefined ? undefined : [["mode", mode]]);
}

export function deleteSubjectRecord(subject: string, version: number): StoreRecord {
  return scopeRecord("DELETE_SUBJECT", subject, [["version", number(version)]]);
}

export function clearSubjectRecord(scope: string): StoreRecord {
  return scopeRecord("CLEAR_SUBJECT", scope, []);
}

/** @param isRemoved whether the context is removed */
export function contextRecord(context: string, isRemoved = false): StoreRecord {
  const members: Members = [
    ["tenant", "default"],
    ["context", context],
  ];
  return {
    key: bytesOf([["keytype", "CONTEXT"], ...members, ["magic", number(0)]]),
    value: isRemoved ? null : bytesOf(members),
  };
}

type Members = readonly (readonly [key: string, value: Json | undefined])[];

function bytesOf(members: Members): Buffer {
  const json = new Map(members.filter((member): member is [string, Json] => member[1] !== undefined));
  return Buffer.from(writeJson(json));
}

function number(value: number): JsonNumber {
  return new JsonNumber(String(value));
}

function objectOf(bytes: Buffer): JsonObject {
  const json = readJson(bytes.toString());
  if (!isObject(json)) throw new Error("not a JSON object");
  return json;
}

function textOf(json: JsonObject, key: string): string | undefined {
  const value = json.get(key);
  return typeof value === "string" ? value : undefined;
}

function integerOf(json: JsonObject, key: string): number | undefined {
  const value = json.get(key);
  return value instanceof JsonNumber && value.isInteger ? Number(value.literal) : undefined;
}

function required<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new Error(`no ${key}`);
  return value;
}
