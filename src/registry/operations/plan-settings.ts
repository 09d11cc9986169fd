import type { StoreRecord } from "../../stores/log-transport.js";
import { isObject, type Json, type JsonObject } from "../json/json-value.js";
import { modeInScope } from "../state/mode-in-scope.js";
import { clearSubjectRecord, configRecord, modeRecord } from "../state/registry-records.js";
import { isInScope, type RegistryState } from "../state/registry-state.js";
import {
  CONFIG_KEYS,
  type ConfigKey,
  LEVELS,
  MODES,
  type Mode,
  mergedConfig,
  type ScopeConfig,
} from "../state/scope-config.js";
import { GLOBAL_CONTEXT, TOP_LEVEL } from "../state/subject-name.js";
import { removalRecords } from "./plan-deletion.js";
import { REFUSALS } from "./registry-error.js";
import type { RegistryView } from "./registry-view.js";
import { textMember } from "./schema-request.js";

/** A change of a configuration, and what it is then (or was, if it is removed). */
export interface ConfigChange {
  readonly records: readonly StoreRecord[];
  readonly config: ScopeConfig;
}

const FLAGS: readonly ConfigKey[] = ["normalize", "validateFields", "validateNewSchemas", "validateRules"];
const OBJECTS: readonly ConfigKey[] = ["defaultMetadata", "overrideMetadata", "defaultRuleSet", "overrideRuleSet"];

/** @throws RegistryError 400, 42203, 42205 */
export function planConfig(view: RegistryView, scope: string, request: JsonObject): ConfigChange {
  const changes = configChanges(request);
  requireWritable(view, scope);
  const config = mergedConfig(view.state.config(scope), changes);
  return { config, records: [configRecord(scope, config)] };
}

/** The configuration that a request asks for; null clears a key. @throws RegistryError 400, 42203 */
function configChanges(request: JsonObject): ReadonlyMap<ConfigKey, Json> {
  const changes = new Map<ConfigKey, Json>();
  for (const key of CONFIG_KEYS) {
    const asked = key === "compatibilityLevel" ? "compatibility" : key;
    const value = request.get(asked);
    if (value !== undefined) changes.set(key, value === null ? null : configValue(key, value, request, asked));
  }
  return changes;
}

function configValue(key: ConfigKey, value: Json, request: JsonObject, asked: string): Json {
  if (FLAGS.includes(key)) {
    if (typeof value === "boolean") return value;
    const text = textMember(request, asked)!.toLowerCase();
    if (text === "true" || text === "false") return text === "true";
    throw REFUSALS.badRequest(`Cannot deserialize the request: ${asked} must be true or false`);
  }
  if (OBJECTS.includes(key)) {
    if (isObject(value)) return value;
    throw REFUSALS.badRequest(`Cannot deserialize the request: ${asked} must be an object`);
  }
  const text = textMember(request, asked)!;
  if (key === "compatibilityLevel") {
    const level = LEVELS.find((each) => each === text.toUpperCase());
    if (!level) throw REFUSALS.invalidLevel();
    return level;
  }
  // As in the original, an unknown policy clears the one in force.
  if (key === "compatibilityPolicy") return ["STRICT", "LENIENT"].find((each) => each === text.toUpperCase()) ?? null;
  return text;
}

/** @throws RegistryError 40401, 42205 */
export function planConfigRemoval(view: RegistryView, scope: string): ConfigChange {
  const config = view.state.config(scope);
  if (!config && scope !== TOP_LEVEL) throw REFUSALS.subjectNotFound(scope);
  requireWritable(view, scope);
  return { config: config ?? new Map(), records: config ? [configRecord(scope, undefined)] : [] };
}

/** A change of a mode. */
export interface ModeChange {
  readonly records: readonly StoreRecord[];
  /** What it was, if it is removed. */
  readonly mode: string | undefined;
}

/**
 * @param isMutable false: `mode.mutability` forbids changes
 * @throws RegistryError 42204, 42205, 42206
 */
export function planMode(
  view: RegistryView,
  scope: string,
  text: string | undefined,
  { force, isMutable }: { readonly force: boolean; readonly isMutable: boolean },
): ModeChange {
  const mode: Mode | undefined = MODES.find((each) => each === text?.toUpperCase());
  if (!mode) throw REFUSALS.invalidMode(view.texts.invalidMode);
  if (mode === "FORWARD" && scope !== `:${GLOBAL_CONTEXT}:`) {
    throw REFUSALS.invalidMode("Forward mode only supported on global level");
  }
  if (!isMutable) throw REFUSALS.notPermitted("Mode changes are not allowed");
  const begins = mode === "IMPORT" && modeInScope(view.state, scope) !== "IMPORT";
  const cleared = begins ? importRecords(view.state, scope, force) : [];
  return { mode: text, records: [...cleared, modeRecord(scope, mode)] };
}

/** An import begins without schemas; those that are deleted go for good. */
function importRecords(state: RegistryState, scope: string, force: boolean): StoreRecord[] {
  const entries = [...state.subjects]
    .filter((subject) => isInScope(subject, scope))
    .flatMap((subject) => state.versions(subject));
  if (!force && entries.some(({ deleted }) => !deleted)) {
    throw REFUSALS.notPermitted("Cannot import since found existing subjects");
  }
  const deleted = entries.filter((entry) => entry.deleted);
  for (const { subject, version } of deleted) {
    const others = state.referrers(subject, version).filter((entry) => !deleted.includes(entry));
    if (others.length > 0) throw REFUSALS.referenceExists(subject, version);
  }
  if (deleted.length === 0) return [];
  return [...deleted.flatMap((entry) => removalRecords(entry)), clearSubjectRecord(scope)];
}

/** @throws RegistryError 40401, 42205 */
export function planModeRemoval(
  { state }: RegistryView,
  scope: string,
  { recursive, isMutable }: { readonly recursive: boolean; readonly isMutable: boolean },
): ModeChange {
  if (!isMutable) throw REFUSALS.notPermitted("Mode changes are not allowed");
  const mode = state.mode(scope);
  if (mode === undefined && !recursive) throw REFUSALS.subjectNotFound(scope);
  const below = recursive
    ? [...state.subjects].filter((subject) => subject !== scope && isInScope(subject, scope) && state.mode(subject))
    : [];
  return {
    mode,
    records: [scope, ...below]
      .filter((each) => state.mode(each) !== undefined)
      .map((each) => modeRecord(each, undefined)),
  };
}

function requireWritable({ state, texts }: RegistryView, scope: string): void {
  if (!modeInScope(state, scope).startsWith("READONLY")) return;
  throw REFUSALS.notPermitted(texts.readOnly(scope === TOP_LEVEL ? null : scope));
}
