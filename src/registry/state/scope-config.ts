import { isObject, type Json, type JsonObject } from "../json/json-value.js";
import type { Metadata } from "../schema/schema-text.js";

export const LEVELS = [
  "NONE",
  "BACKWARD",
  "BACKWARD_TRANSITIVE",
  "FORWARD",
  "FORWARD_TRANSITIVE",
  "FULL",
  "FULL_TRANSITIVE",
] as const;
export type Level = (typeof LEVELS)[number];

export const MODES = ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD"] as const;
export type Mode = (typeof MODES)[number];

/** The keys of a configuration, in the order of records and answers. */
export const CONFIG_KEYS = [
  "alias",
  "aliasForDeks",
  "normalize",
  "validateFields",
  "validateNewSchemas",
  "validateRules",
  "compatibilityLevel",
  "compatibilityPolicy",
  "compatibilityGroup",
  "defaultMetadata",
  "overrideMetadata",
  "defaultRuleSet",
  "overrideRuleSet",
] as const;
export type ConfigKey = (typeof CONFIG_KEYS)[number];

/** The configuration of a subject, a context or all, with the keys that are set. */
export type ScopeConfig = ReadonlyMap<ConfigKey, Json>;

/** The known keys of a JSON object, in their order. */
export function scopeConfig(json: JsonObject): ScopeConfig {
  const found = new Map<ConfigKey, Json>();
  for (const key of CONFIG_KEYS) {
    const value = json.get(key);
    if (value !== undefined && value !== null) found.set(key, value);
  }
  return found;
}

/** A configuration with changes: null clears a key, and keys that are absent stay. */
export function mergedConfig(config: ScopeConfig | undefined, changes: ReadonlyMap<ConfigKey, Json>): ScopeConfig {
  return scopeConfig(new Map([...(config ?? []), ...changes]));
}

export function levelOf(config: ScopeConfig | undefined): Level | undefined {
  const level = config?.get("compatibilityLevel");
  return LEVELS.find((each) => each === level);
}

export function flagOf(config: ScopeConfig | undefined, key: ConfigKey): boolean | undefined {
  const value = config?.get(key);
  return typeof value === "boolean" ? value : undefined;
}

export function textOf(config: ScopeConfig | undefined, key: ConfigKey): string | undefined {
  const value = config?.get(key);
  return typeof value === "string" ? value : undefined;
}

export function metadataOf(json: Json | undefined): Metadata | undefined {
  if (!isObject(json)) return undefined;
  const tags = json.get("tags");
  const properties = json.get("properties");
  const sensitive = json.get("sensitive");
  const texts = (value: Json | undefined) => (Array.isArray(value) ? value.map(String) : []);
  return {
    ...(isObject(tags) && { tags: Object.fromEntries([...tags].map(([key, value]) => [key, texts(value)])) }),
    ...(isObject(properties) && {
      properties: Object.fromEntries(
        [...properties].filter(([, value]) => value !== null).map(([key, value]) => [key, scalarText(value)]),
      ),
    }),
    ...(Array.isArray(sensitive) && { sensitive: texts(sensitive) }),
  };
}

function scalarText(value: Json): string {
  return typeof value === "object" && value !== null && "literal" in value ? value.literal : String(value);
}

/** Metadata as JSON, with sorted keys and without empty parts. */
export function metadataJson({ tags = {}, properties = {}, sensitive = [] }: Metadata): JsonObject {
  const json = new Map<string, Json>();
  const sorted = <T extends Json>(of: Readonly<Record<string, T>>): JsonObject =>
    new Map(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (Object.keys(tags).length > 0) json.set("tags", sorted(tags));
  if (Object.keys(properties).length > 0) json.set("properties", sorted(properties));
  if (sensitive.length > 0) json.set("sensitive", [...sensitive].sort());
  return json;
}
