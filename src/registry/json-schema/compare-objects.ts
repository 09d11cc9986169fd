import { javaHashOrder } from "../../api/values/java-hash-order.js";
import { isArray, isObject, type Json, type JsonObject } from "../json/json-value.js";
import { compareBound } from "./compare-values.js";
import type { Child, Comparison } from "./comparison.js";
import type { Difference } from "./difference.js";
import type { SchemaPlace } from "./json-schema-documents.js";
import { patternOf } from "./pattern-of.js";

interface ObjectShape {
  readonly place: SchemaPlace;
  readonly json: JsonObject;
}

export function compareObjects(comparison: Comparison, original: ObjectShape, update: ObjectShape): Difference[] {
  return [
    ...compareRequired(comparison, original, update),
    ...compareProperties(comparison, original, update),
    ...compareDependencies(comparison, original, update),
    ...compareRest(comparison, original, update, "additionalProperties", "ADDITIONAL_PROPERTIES"),
    ...compareRest(comparison, original, update, "unevaluatedProperties", "UNEVALUATED_PROPERTIES"),
    ...compareBound(comparison, original.json, update.json, "maxProperties", "MAX_PROPERTIES"),
    ...compareBound(comparison, original.json, update.json, "minProperties", "MIN_PROPERTIES"),
  ];
}

function compareRequired(comparison: Comparison, original: ObjectShape, update: ObjectShape): Difference[] {
  const [before, after] = [propertiesOf(original), propertiesOf(update)];
  return [...before.keys()].flatMap((name) => {
    const schema = after.get(name);
    if (schema === undefined || isRequired(original, name) || !isRequired(update, name)) return [];
    return comparison.raised(
      hasDefault(schema) ? "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" : "REQUIRED_ATTRIBUTE_ADDED",
      "required",
      name,
    );
  });
}

function compareProperties(comparison: Comparison, original: ObjectShape, update: ObjectShape): Difference[] {
  const [before, after] = [propertiesOf(original), propertiesOf(update)];
  return inHashOrder([...before.keys(), ...after.keys()]).flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    const path = ["properties", name];
    if (old !== undefined && now !== undefined) {
      return comparison.children(childOf(original, old), childOf(update, now), ...path);
    }
    if (old !== undefined) return removed(comparison, childOf(original, old), update, name, path);
    return added(comparison, original, childOf(update, now!), name, isRequired(update, name), path);
  });
}

function removed(comparison: Comparison, old: Child, update: ObjectShape, name: string, path: string[]): Difference[] {
  if (isOpen(update)) return comparison.raised("PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", ...path);
  const partial = partialSchema(update, name);
  if (!partial) {
    const type = old.json === false ? "PROPERTY_WITH_FALSE_REMOVED_FROM" : "PROPERTY_REMOVED_FROM";
    return comparison.raised(`${type}_CLOSED_CONTENT_MODEL`, ...path);
  }
  const found = comparison.children(old, partial, ...path);
  const cover = found.length === 0 ? "IS_COVERED_BY" : "NOT_COVERED_BY";
  return [...found, ...comparison.raised(`PROPERTY_REMOVED_${cover}_PARTIALLY_OPEN_CONTENT_MODEL`, ...path)];
}

function added(
  comparison: Comparison,
  original: ObjectShape,
  now: Child,
  name: string,
  isNeeded: boolean,
  path: string[],
): Difference[] {
  const kind = !isNeeded
    ? "OPTIONAL_PROPERTY"
    : hasDefault(now.json)
      ? "REQUIRED_PROPERTY_WITH_DEFAULT"
      : "REQUIRED_PROPERTY";
  if (isOpen(original)) {
    if (isTrivial(now.json)) {
      return comparison.raised("PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", ...path);
    }
    return comparison.raised(`${kind}_ADDED_TO_OPEN_CONTENT_MODEL`, ...path);
  }
  const partial = partialSchema(original, name);
  const found = partial ? comparison.children(partial, now, ...path) : [];
  const cover = found.length === 0 ? "IS_COVERED_BY" : "NOT_COVERED_BY";
  return [
    ...found,
    ...(partial ? comparison.raised(`PROPERTY_ADDED_${cover}_PARTIALLY_OPEN_CONTENT_MODEL`, ...path) : []),
    ...comparison.raised(`${kind}_ADDED_TO_UNOPEN_CONTENT_MODEL`, ...path),
  ];
}

function compareDependencies(comparison: Comparison, original: ObjectShape, update: ObjectShape): Difference[] {
  const [before, after] = [dependenciesOf(original), dependenciesOf(update)];
  return inHashOrder([...before.keys(), ...after.keys()]).flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    const path = ["dependencies", name];
    if (old === undefined) {
      return comparison.raised(isArray(now) ? "DEPENDENCY_ARRAY_ADDED" : "DEPENDENCY_SCHEMA_ADDED", ...path);
    }
    if (now === undefined) {
      return comparison.raised(isArray(old) ? "DEPENDENCY_ARRAY_REMOVED" : "DEPENDENCY_SCHEMA_REMOVED", ...path);
    }
    if (!isArray(old) && !isArray(now)) {
      return comparison.children(childOf(original, old), childOf(update, now), ...path);
    }
    if (!isArray(old)) return comparison.raised("DEPENDENCY_ARRAY_ADDED", ...path);
    if (!isArray(now)) return comparison.raised("DEPENDENCY_SCHEMA_ADDED", ...path);
    const [keepsAll, addsNone] = [old.every((each) => now.includes(each)), now.every((each) => old.includes(each))];
    if (addsNone) return [];
    return comparison.raised(keepsAll ? "DEPENDENCY_ARRAY_EXTENDED" : "DEPENDENCY_ARRAY_CHANGED", ...path);
  });
}

/** What may stand beside the named properties or items. */
export function compareRest(
  comparison: Comparison,
  original: ObjectShape,
  update: ObjectShape,
  keyword: string,
  type: string,
): Difference[] {
  const [before, after] = [original.json.get(keyword) ?? true, update.json.get(keyword) ?? true];
  if ((before === false) !== (after === false)) {
    return comparison.raised(`${type}_${after === false ? "REMOVED" : "ADDED"}`, keyword);
  }
  if (before === after) return [];
  if (before === true) return comparison.raised(`${type}_NARROWED`, keyword);
  if (after === true) return comparison.raised(`${type}_EXTENDED`, keyword);
  return comparison.children(childOf(original, before), childOf(update, after), keyword);
}

/** Whether properties that are not named may have any value. */
function isOpen({ json }: ObjectShape): boolean {
  const patterns = json.get("patternProperties");
  const hasPatterns = isObject(patterns) && patterns.size > 0;
  return (
    (json.get("additionalProperties") ?? true) === true &&
    !hasPatterns &&
    isTrivial(json.get("unevaluatedProperties") ?? true)
  );
}

/** The schema of a property that is not named, if there is one. */
function partialSchema(shape: ObjectShape, name: string): Child | undefined {
  const patterns = shape.json.get("patternProperties");
  if (isObject(patterns)) {
    for (const [pattern, schema] of patterns) {
      if (patternOf(pattern)?.test(name)) return childOf(shape, schema);
    }
  }
  const additional = shape.json.get("additionalProperties");
  if (isObject(additional)) return childOf(shape, additional);
  if (additional === false) return undefined;
  const unevaluated = shape.json.get("unevaluatedProperties");
  return isObject(unevaluated) && !isTrivial(unevaluated) ? childOf(shape, unevaluated) : undefined;
}

/** Whether a schema allows everything. */
export function isTrivial(json: Json): boolean {
  return json === true || (isObject(json) && json.size === 0);
}

export function childOf({ place }: ObjectShape, json: Json): Child {
  return { place, json };
}

function propertiesOf({ json }: ObjectShape): JsonObject {
  const properties = json.get("properties");
  return isObject(properties) ? properties : new Map();
}

function dependenciesOf({ json }: ObjectShape): JsonObject {
  const keywords = ["dependencies", "dependentRequired", "dependentSchemas"].map((keyword) => json.get(keyword));
  return new Map(keywords.filter(isObject).flatMap((each) => [...each]));
}

function isRequired({ json }: ObjectShape, name: string): boolean {
  const required = json.get("required");
  return isArray(required) && required.includes(name);
}

function hasDefault(json: Json): boolean {
  return isObject(json) && json.has("default");
}

function inHashOrder(names: readonly string[]): string[] {
  const distinct = [...new Set(names)];
  return javaHashOrder(distinct).map((at) => distinct[at]!);
}
