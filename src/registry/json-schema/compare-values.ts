import { isSameJson, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import type { Comparison } from "./comparison.js";
import type { Difference } from "./difference.js";

/** A bound that is better lower, such as a minimum, or better higher. */
export function compareBound(
  comparison: Comparison,
  original: JsonObject,
  update: JsonObject,
  keyword: string,
  type: string,
): Difference[] {
  const [before, after] = [numberOf(original, keyword), numberOf(update, keyword)];
  if (before === undefined || after === undefined) {
    if (before === after) return [];
    return comparison.raised(`${type}_${before === undefined ? "ADDED" : "REMOVED"}`, keyword);
  }
  if (before === after) return [];
  return comparison.raised(`${type}_${before < after ? "INCREASED" : "DECREASED"}`, keyword);
}

export function compareStrings(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  const [before, after] = [original.get("pattern"), update.get("pattern")];
  const pattern =
    before === after
      ? []
      : comparison.raised(
          before === undefined ? "PATTERN_ADDED" : after === undefined ? "PATTERN_REMOVED" : "PATTERN_CHANGED",
          "pattern",
        );
  return [
    ...compareBound(comparison, original, update, "maxLength", "MAX_LENGTH"),
    ...compareBound(comparison, original, update, "minLength", "MIN_LENGTH"),
    ...pattern,
  ];
}

interface NumberShape {
  readonly json: JsonObject;
  readonly isInteger: boolean;
}

export function compareNumbers(comparison: Comparison, original: NumberShape, update: NumberShape): Difference[] {
  const bound = (keyword: string, type: string) => compareBound(comparison, original.json, update.json, keyword, type);
  return [
    ...bound("maximum", "MAXIMUM"),
    ...bound("minimum", "MINIMUM"),
    ...bound("exclusiveMaximum", "EXCLUSIVE_MAXIMUM"),
    ...bound("exclusiveMinimum", "EXCLUSIVE_MINIMUM"),
    ...compareMultiples(comparison, original.json, update.json),
    ...(update.isInteger && !original.isInteger ? comparison.raised("TYPE_NARROWED") : []),
  ];
}

function compareMultiples(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  const [before, after] = [numberOf(original, "multipleOf"), numberOf(update, "multipleOf")];
  if (before === after) return [];
  const type =
    before === undefined
      ? "ADDED"
      : after === undefined
        ? "REMOVED"
        : before % after === 0
          ? "REDUCED"
          : after % before === 0
            ? "EXPANDED"
            : "CHANGED";
  return comparison.raised(`MULTIPLE_OF_${type}`, "multipleOf");
}

interface Values {
  readonly kind: "enum" | "const";
  readonly values: readonly Json[];
}

export function compareConstants(comparison: Comparison, original: Values, update: Values): Difference[] {
  const covers = (all: readonly Json[], some: readonly Json[]) =>
    some.every((value) => all.some((each) => isSameJson(each, value)));
  if (covers(update.values, original.values)) return [];
  const isNarrowed = covers(original.values, update.values);
  return comparison.raised(isNarrowed ? "ENUM_ARRAY_NARROWED" : "ENUM_ARRAY_CHANGED", original.kind);
}

function numberOf(json: JsonObject, keyword: string): number | undefined {
  const value = json.get(keyword);
  return value instanceof JsonNumber ? Number(value.literal) : undefined;
}
