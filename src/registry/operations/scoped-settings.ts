import type { Metadata } from "../schema/schema-text.js";
import type { RegistryState } from "../state/registry-state.js";
import {
  type ConfigKey,
  flagOf,
  type Level,
  levelOf,
  metadataOf,
  type ScopeConfig,
  textOf,
} from "../state/scope-config.js";
import { scopesOf, TOP_LEVEL } from "../state/subject-name.js";

/** What is in force for a subject, by the configurations of the subject, its context and all. */
export interface ScopedSettings {
  readonly level: Level;
  readonly isLenient: boolean;
  /** Only versions with the same value of this metadata property are compared. */
  readonly group: string | undefined;
  readonly normalizes: boolean;
  readonly validatesFields: boolean;
  readonly validatesNew: boolean;
  readonly defaultMetadata: Metadata | undefined;
  readonly overrideMetadata: Metadata | undefined;
}

/** Keys that a subject's configuration takes from the top level where it lacks them. */
const INHERITED: readonly ConfigKey[] = [
  "normalize",
  "validateFields",
  "validateNewSchemas",
  "validateRules",
  "compatibilityPolicy",
  "compatibilityGroup",
];

/** The configuration in force for a subject; undefined if nothing is configured. */
export function configInScope(state: RegistryState, subject: string): ScopeConfig | undefined {
  for (const scope of scopesOf(subject)) {
    const config = state.config(scope);
    if (!config) continue;
    const top = state.config(TOP_LEVEL);
    const inherited = INHERITED.filter((key) => !config.has(key) && top?.has(key)).map(
      (key) => [key, top!.get(key)!] as const,
    );
    return new Map([...config, ...inherited]);
  }
  return undefined;
}

/** @param defaultLevel the server's */
export function settingsOf(state: RegistryState, subject: string, defaultLevel: Level): ScopedSettings {
  const config = configInScope(state, subject);
  return {
    level: levelOf(config) ?? defaultLevel,
    isLenient: textOf(config, "compatibilityPolicy") === "LENIENT",
    group: textOf(config, "compatibilityGroup"),
    normalizes: flagOf(config, "normalize") ?? false,
    validatesFields: flagOf(config, "validateFields") ?? false,
    validatesNew: flagOf(config, "validateNewSchemas") ?? true,
    defaultMetadata: metadataOf(config?.get("defaultMetadata")),
    overrideMetadata: metadataOf(config?.get("overrideMetadata")),
  };
}
