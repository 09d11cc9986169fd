import { type ConfigDef, ConfigError, type ConfigValues } from "../../api/index.js";
import { parseRegistrySettings, type RegistrySettings } from "../../registry-client/registry-settings.js";
import type { registryConverterKeys } from "./registry-converter-keys.js";
import { idSource, writesHeader } from "./schema-id.js";
import { type SubjectName, subjectNames } from "./subject-name.js";

/** The settings that the converters with a registry share. */
export interface RegistryConverterSettings {
  readonly registry: RegistrySettings;
  readonly isKey: boolean;
  readonly subjectName: SubjectName;
  readonly autoRegister: boolean;
  readonly normalize: boolean;
  readonly propagateTags: boolean;
  /** The schema that is written whatever the record's is. */
  readonly fixedId: number | string | undefined;
  readonly fixedStrict: boolean;
  readonly latest: boolean;
  readonly latestWithMetadata: readonly (readonly [string, string])[] | undefined;
  readonly latestStrict: boolean;
  readonly writesHeader: boolean;
  readonly readsFrom: "both" | "prefix" | "config";
  readonly mostSchemas: number;
}

/** @throws ConfigError naming the key. */
export function parseRegistryConverterSettings(
  values: ConfigValues<typeof registryConverterKeys & ConfigDef>,
  props: Readonly<Record<string, string>>,
  isKey: boolean,
): RegistryConverterSettings {
  const part = isKey ? "key" : "value";
  const strategy = `${part}.subject.name.strategy` as const;
  const serializer = `${part}.schema.id.serializer` as const;
  const deserializer = `${part}.schema.id.deserializer` as const;
  const guid = values["use.schema.guid"] || undefined;
  const fixedId = values["use.schema.id"] >= 0 ? values["use.schema.id"] : guid?.toLowerCase();
  const readsFrom = idSource(deserializer, values[deserializer]);
  if (readsFrom === "config" && fixedId === undefined) {
    throw new ConfigError(
      deserializer,
      `${deserializer}=${values[deserializer]} needs use.schema.id or use.schema.guid`,
    );
  }
  return {
    registry: parseRegistrySettings(props),
    isKey,
    subjectName: subjectNames(strategy, values[strategy], isKey),
    autoRegister: values["auto.register.schemas"],
    normalize: values["normalize.schemas"],
    propagateTags: values["propagate.schema.tags"],
    fixedId,
    fixedStrict: values["id.compatibility.strict"],
    latest: values["use.latest.version"],
    latestWithMetadata: metadataOf(values["use.latest.with.metadata"]),
    latestStrict: values["latest.compatibility.strict"],
    writesHeader: writesHeader(serializer, values[serializer]),
    readsFrom,
    mostSchemas: Math.max(1, values["schemas.cache.config"]),
  };
}

function metadataOf(text: string | null): (readonly [string, string])[] | undefined {
  if (text === null || text === "") return undefined;
  return text.split(",").map((pair) => {
    const [key = "", value, ...more] = pair.split("=");
    if (key.trim() === "" || value === undefined || more.length > 0) {
      throw new ConfigError("use.latest.with.metadata", "use.latest.with.metadata must be KEY=VALUE, …");
    }
    return [key.trim(), value.trim()] as const;
  });
}
