import {
  type ConfigDef,
  type ConfigKey,
  type ConfigType,
  type ConfigValue,
  Password,
  renderAtom,
} from "../api/index.js";

/** What a key is, as REST answers it (KIP-26). */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: Uppercase<ConfigType>;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: "HIGH" | "MEDIUM" | "LOW";
  readonly documentation: string;
  readonly group: string | null;
  readonly order_in_group: number;
  readonly width: "NONE" | "SHORT" | "MEDIUM" | "LONG";
  readonly display_name: string;
  readonly dependents: readonly string[];
}

export interface ConfigValueInfo {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly string[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

/** The answer of a validation. `definition` is null for keys that nobody defines. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly { readonly definition: ConfigKeyInfo | null; readonly value: ConfigValueInfo | null }[];
}

/** A key's definition; keys said in short have ConfigDef's own defaults for what was left out. */
export function configKeyInfo(name: string, key: ConfigKey): ConfigKeyInfo {
  return {
    name,
    type: key.type.toUpperCase() as Uppercase<ConfigType>,
    required: !("default" in key),
    default_value: key.type === "password" && key.default != null ? Password.HIDDEN : renderAtom(key.default ?? null),
    importance: (key.importance ?? "medium").toUpperCase() as ConfigKeyInfo["importance"],
    documentation: key.doc,
    group: key.group ?? null,
    order_in_group: key.order ?? -1,
    width: (key.width ?? "none").toUpperCase() as ConfigKeyInfo["width"],
    display_name: key.displayName ?? name,
    dependents: key.dependents ?? [],
  };
}

/** All keys of `def`, each name with `prefix`. */
export function configKeyInfos(def: ConfigDef, prefix = ""): ConfigKeyInfo[] {
  return Object.entries(def).map(([name, key]) => configKeyInfo(prefix + name, key));
}

export function configValueInfo(value: ConfigValue, prefix = ""): ConfigValueInfo {
  return {
    name: prefix + value.name,
    value: value.value,
    recommended_values: value.recommendedValues,
    errors: value.errors,
    visible: value.visible,
  };
}
