import {
  type ConfigDef,
  type ConfigKey,
  type ConfigType,
  type ConfigValue,
  Password,
  renderAtom,
} from "../../api/index.js";
import type { ConfigKeyInfo, ConfigValueInfo } from "../../contract/config-infos.js";

/** A key's definition, with ConfigDef's defaults for omitted attributes. `prefix` stands before its name. */
export function configKeyInfo(name: string, key: ConfigKey, prefix = ""): ConfigKeyInfo {
  return {
    name: prefix + name,
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

export function configKeyInfos(def: ConfigDef): ConfigKeyInfo[] {
  return Object.entries(def).map(([name, key]) => configKeyInfo(name, key));
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
