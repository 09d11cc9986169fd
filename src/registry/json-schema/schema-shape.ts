import { isArray, isObject, type Json, type JsonObject } from "../json/json-value.js";
import type { JsonSchemaDocuments, SchemaPlace } from "./json-schema-documents.js";

type ValueKind = "string" | "number" | "boolean" | "null" | "object" | "array";
export type Criterion = "allOf" | "anyOf" | "oneOf";

/** A schema as the comparison sees it: several kinds of keywords in one object are parts of an `allOf`. */
export type SchemaShape =
  | { readonly kind: ValueKind; readonly place: SchemaPlace; readonly json: JsonObject; readonly isInteger: boolean }
  | { readonly kind: "enum" | "const"; readonly place: SchemaPlace; readonly values: readonly Json[] }
  | { readonly kind: "not"; readonly place: SchemaPlace; readonly inner: SchemaPlace }
  | {
      readonly kind: "combined";
      readonly place: SchemaPlace;
      readonly criterion: Criterion;
      readonly parts: readonly SchemaShape[];
    }
  | { readonly kind: "empty" | "false" | "conditional"; readonly place: SchemaPlace };

const KEYWORDS: readonly (readonly [ValueKind, readonly string[]])[] = [
  ["string", ["minLength", "maxLength", "pattern", "format"]],
  [
    "array",
    ["items", "additionalItems", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"],
  ],
  [
    "object",
    [
      "properties",
      "required",
      "minProperties",
      "maxProperties",
      "dependencies",
      "dependentRequired",
      "dependentSchemas",
      "patternProperties",
      "additionalProperties",
      "propertyNames",
      "unevaluatedProperties",
    ],
  ],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
];

/** Tells the shapes of schemas, each once: recursive ones come back to the same objects. */
export class SchemaShapes {
  readonly #shapes = new Map<Json, SchemaShape>();

  constructor(private readonly documents: JsonSchemaDocuments) {}

  get root(): SchemaShape {
    return this.of(this.documents.root);
  }

  child(place: SchemaPlace, json: Json): SchemaShape {
    return this.of(this.documents.child(place, json));
  }

  of(place: SchemaPlace): SchemaShape {
    const { json } = place;
    if (json === false) return { kind: "false", place };
    if (!isObject(json)) return { kind: "empty", place };
    const known = this.#shapes.get(json);
    if (known) return known;
    const parts: SchemaShape[] = [];
    // Known before its parts are: they may refer to it.
    const shape = { kind: "combined" as const, place, criterion: "allOf" as const, parts };
    this.#shapes.set(json, shape);
    parts.push(...this.#partsOf(place, json));
    const single = parts.length === 0 ? ({ kind: "empty", place } as const) : parts.length === 1 ? parts[0]! : shape;
    this.#shapes.set(json, single);
    return single;
  }

  #partsOf(place: SchemaPlace, json: JsonObject): SchemaShape[] {
    const reference = json.get("$ref");
    const found: SchemaShape[] = [];
    if (typeof reference === "string") {
      found.push(this.of(this.documents.resolve(reference, place)));
      if (!this.documents.isModern) return found;
    }
    const values = json.get("enum");
    if (isArray(values)) found.push({ kind: "enum", place, values });
    for (const criterion of ["allOf", "anyOf", "oneOf"] as const) {
      const parts = json.get(criterion);
      if (!isArray(parts)) continue;
      found.push({ kind: "combined", place, criterion, parts: parts.map((part) => this.child(place, part)) });
    }
    const not = json.get("not");
    if (not !== undefined) found.push({ kind: "not", place, inner: this.documents.child(place, not) });
    const constant = json.get("const");
    if (constant !== undefined) found.push({ kind: "const", place, values: [constant] });
    found.push(...typedParts(place, json));
    if (json.has("if")) found.push({ kind: "conditional", place });
    return found;
  }
}

function typedParts(place: SchemaPlace, json: JsonObject): SchemaShape[] {
  const type = json.get("type");
  if (typeof type === "string") return [typed(place, json, type)];
  if (isArray(type)) {
    const parts = type.filter((each) => typeof each === "string").map((each) => typed(place, json, each));
    return [{ kind: "combined", place, criterion: "anyOf", parts }];
  }
  const kinds = KEYWORDS.filter(([, keywords]) => keywords.some((keyword) => json.has(keyword)));
  return kinds.map(([kind]) => ({ kind, place, json, isInteger: false }));
}

function typed(place: SchemaPlace, json: JsonObject, type: string): SchemaShape {
  const kind = (type === "integer" ? "number" : type) as ValueKind;
  return { kind, place, json, isInteger: type === "integer" };
}
