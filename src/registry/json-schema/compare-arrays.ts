import { isArray, isObject, type Json, type JsonObject } from "../json/json-value.js";
import { childOf, compareRest, isTrivial } from "./compare-objects.js";
import { compareBound } from "./compare-values.js";
import type { Child, Comparison } from "./comparison.js";
import type { Difference } from "./difference.js";
import type { SchemaPlace } from "./json-schema-documents.js";

interface ArrayShape {
  readonly place: SchemaPlace;
  readonly json: JsonObject;
}

export function compareArrays(comparison: Comparison, original: ArrayShape, update: ArrayShape): Difference[] {
  const [before, after] = [original.json.get("uniqueItems") === true, update.json.get("uniqueItems") === true];
  return [
    ...compareItems(comparison, original, update),
    ...compareTuples(comparison, original, update),
    ...compareRest(comparison, withRest(original), withRest(update), "additionalItems", "ADDITIONAL_ITEMS"),
    ...compareRest(comparison, original, update, "unevaluatedItems", "UNEVALUATED_ITEMS"),
    ...compareBound(comparison, original.json, update.json, "maxItems", "MAX_ITEMS"),
    ...compareBound(comparison, original.json, update.json, "minItems", "MIN_ITEMS"),
    ...compareBound(comparison, original.json, update.json, "maxContains", "MAX_CONTAINS"),
    ...compareBound(comparison, original.json, update.json, "minContains", "MIN_CONTAINS"),
    ...(after && !before ? comparison.raised("UNIQUE_ITEMS_ADDED", "uniqueItems") : []),
  ];
}

/** The schema of all items. */
function compareItems(comparison: Comparison, original: ArrayShape, update: ArrayShape): Difference[] {
  const item = (shape: ArrayShape): Child | undefined => {
    const items = shape.json.get("items");
    const isOfAll = items !== undefined && !isArray(items) && !shape.json.has("prefixItems");
    return isOfAll ? childOf(shape, items) : undefined;
  };
  return comparison.children(item(original), item(update), "items");
}

/** Schemas of single items, by their position. */
function compareTuples(comparison: Comparison, original: ArrayShape, update: ArrayShape): Difference[] {
  const [before, after] = [tupleOf(original), tupleOf(update)];
  if (!before && !after) return [];
  const length = Math.max(before?.length ?? 0, after?.length ?? 0);
  return Array.from({ length }, (_, at) => at).flatMap((at) => {
    const [old, now] = [before?.[at], after?.[at]];
    const path = ["items", String(at)];
    if (old !== undefined && now !== undefined) {
      return comparison.children(childOf(original, old), childOf(update, now), ...path);
    }
    if (old !== undefined) {
      if (isOpen(update)) return comparison.raised("ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", ...path);
      const partial = partialSchema(update);
      if (partial) return covered(comparison, childOf(original, old), partial, "REMOVED", path);
      const type = old === false ? "ITEM_WITH_FALSE_REMOVED_FROM" : "ITEM_REMOVED_FROM";
      return comparison.raised(`${type}_CLOSED_CONTENT_MODEL`, ...path);
    }
    if (isOpen(original)) {
      const type = isTrivial(now!) ? "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO" : "ITEM_ADDED_TO";
      return comparison.raised(`${type}_OPEN_CONTENT_MODEL`, ...path);
    }
    const partial = partialSchema(original);
    if (partial) return covered(comparison, partial, childOf(update, now!), "ADDED", path);
    return comparison.raised("ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", ...path);
  });
}

function covered(comparison: Comparison, old: Child, now: Child, change: string, path: string[]): Difference[] {
  const found = comparison.children(old, now, ...path);
  const cover = found.length === 0 ? "IS_COVERED_BY" : "NOT_COVERED_BY";
  return [...found, ...comparison.raised(`ITEM_${change}_${cover}_PARTIALLY_OPEN_CONTENT_MODEL`, ...path)];
}

function tupleOf({ json }: ArrayShape): readonly Json[] | undefined {
  const [prefix, items] = [json.get("prefixItems"), json.get("items")];
  return isArray(prefix) ? prefix : isArray(items) ? items : undefined;
}

/** Since 2020-12 `items` is what `additionalItems` was. */
function withRest(shape: ArrayShape): ArrayShape {
  const items = shape.json.get("items");
  if (!shape.json.has("prefixItems") || items === undefined) return shape;
  return { place: shape.place, json: new Map([...shape.json, ["additionalItems", items]]) };
}

function isOpen(shape: ArrayShape): boolean {
  const { json } = withRest(shape);
  return (json.get("additionalItems") ?? true) === true && isTrivial(json.get("unevaluatedItems") ?? true);
}

function partialSchema(shape: ArrayShape): Child | undefined {
  const { json } = withRest(shape);
  const [additional, unevaluated] = [json.get("additionalItems"), json.get("unevaluatedItems")];
  if (isObject(additional)) return childOf(shape, additional);
  if (additional === false) return undefined;
  return isObject(unevaluated) && !isTrivial(unevaluated) ? childOf(shape, unevaluated) : undefined;
}
