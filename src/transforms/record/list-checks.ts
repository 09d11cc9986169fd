import { type ConfigCheck, invalidValue } from "../../api/index.js";

/** ConfigDef.ValidList.anyNonDuplicateValues. @param canBeEmpty whether a list without values is valid. */
export function distinct(canBeEmpty: boolean): ConfigCheck {
  return (key, value) => {
    if (!Array.isArray(value)) return `Configuration '${key}' values must not be null.`;
    if (value.length === 0 && !canBeEmpty)
      return `Configuration '${key}' must not be empty. Valid values include: any non-empty value`;
    if (value.includes("")) return `Configuration '${key}' values must not be empty.`;
    if (new Set(value).size < value.length) return `Configuration '${key}' values must not be duplicated.`;
    return undefined;
  };
}

/** The transformations' own NonEmptyListValidator. */
export const nonEmptyList: ConfigCheck = (key, value) =>
  Array.isArray(value) && value.length > 0
    ? undefined
    : invalidValue(key, Array.isArray(value) ? "[]" : null, "Empty list");
