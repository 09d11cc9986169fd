import type { ConfigType } from "../api/index.js";

/** A key's definition in REST answers (KIP-26). */
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

/** The answer of a validation. `definition` is null for keys without one. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly { readonly definition: ConfigKeyInfo | null; readonly value: ConfigValueInfo | null }[];
}
