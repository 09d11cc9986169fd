import { isArray, isObject, type Json, type JsonObject } from "../json/json-value.js";
import { readJson } from "../json/read-json.js";
import { type ReferenceTexts, SchemaFault } from "../schema/schema-text.js";

/** A schema within its document. Two places are the same if their JSON is the same object. */
export interface SchemaPlace {
  readonly json: Json;
  /** What relative references are resolved against. */
  readonly base: string;
}

const ROOT = "mem://input";

/** A schema's document and those that it refers to. */
export class JsonSchemaDocuments {
  /** Schemas by their URI, without fragment. */
  readonly #places = new Map<string, SchemaPlace>();
  readonly root: SchemaPlace;
  /** Whether `$ref` may stand beside other keywords. */
  readonly isModern: boolean;

  constructor(root: Json, references: ReferenceTexts) {
    const dialect = isObject(root) ? root.get("$schema") : undefined;
    this.isModern = typeof dialect === "string" && /draft\/20(?:19-09|20-12)/.test(dialect);
    this.root = { json: root, base: baseOf(root, ROOT) };
    this.#index(root, ROOT);
    for (const [name, text] of references) {
      const json = readJson(text);
      const uri = resolved(name, this.root.base);
      for (const each of [uri, name, resolved(`./${name}`, this.root.base)]) {
        if (!this.#places.has(each)) this.#places.set(each, { json, base: baseOf(json, uri) });
      }
      this.#index(json, uri);
    }
  }

  /** The schema below another one. */
  child({ base }: SchemaPlace, json: Json): SchemaPlace {
    return { json, base: baseOf(json, base) };
  }

  /** What a `$ref` leads to. @throws SchemaFault validation, if it leads nowhere */
  resolve(reference: string, from: SchemaPlace): SchemaPlace {
    const mark = reference.indexOf("#");
    const [name, fragment] =
      mark < 0 ? [reference, ""] : [reference.slice(0, mark), unescaped(reference.slice(mark + 1))];
    const uri = withoutFragment(name === "" ? from.base : resolved(name, from.base));
    const document = this.#places.get(uri) ?? this.#places.get(name);
    if (!document) {
      if (/^https?:/.test(uri)) {
        throw new SchemaFault(
          `Remote schema reference fetching over HTTP(S) is disabled: register ${uri} and name it as a reference`,
          "validation",
        );
      }
      throw new SchemaFault(`could not resolve reference ${reference}`, "validation");
    }
    if (fragment === "") return document;
    const found = fragment.startsWith("/") ? this.#pointer(document, fragment) : this.#places.get(`${uri}#${fragment}`);
    if (!found) throw new SchemaFault(`could not resolve reference ${reference}`, "validation");
    return found;
  }

  #pointer(document: SchemaPlace, pointer: string): SchemaPlace | undefined {
    let place = document;
    const segments = pointer.slice(1).split("/");
    for (const [at, segment] of segments.entries()) {
      const key = segment.replaceAll("~1", "/").replaceAll("~0", "~");
      const next: Json | undefined = isArray(place.json)
        ? place.json[Number(key)]
        : isObject(place.json)
          ? (place.json.get(key) ?? (at === 0 ? definitions(place.json, key) : undefined))
          : undefined;
      if (next === undefined) return undefined;
      place = this.child(place, next);
    }
    return place;
  }

  /** Learns the ids and anchors of a document. */
  #index(json: Json, outer: string): void {
    if (isArray(json)) {
      for (const item of json) this.#index(item, outer);
      return;
    }
    if (!isObject(json)) return;
    const base = baseOf(json, outer);
    const key = withoutFragment(base);
    if (!this.#places.has(key)) this.#places.set(key, { json, base });
    for (const anchor of anchorsOf(json)) this.#places.set(`${key}#${anchor}`, { json, base });
    for (const [name, value] of json) if (name !== "enum" && name !== "const") this.#index(value, base);
  }
}

/** The two names of the same keyword. */
function definitions(json: JsonObject, key: string): Json | undefined {
  if (key === "$defs") return json.get("definitions");
  return key === "definitions" ? json.get("$defs") : undefined;
}

function baseOf(json: Json, outer: string): string {
  const id = isObject(json) ? (json.get("$id") ?? json.get("id")) : undefined;
  return typeof id === "string" && id !== "" && !id.startsWith("#") ? resolved(id, outer) : outer;
}

function anchorsOf(json: JsonObject): string[] {
  const [id, anchor] = [json.get("$id") ?? json.get("id"), json.get("$anchor")];
  const found = typeof anchor === "string" ? [anchor] : [];
  return typeof id === "string" && id.startsWith("#") ? [...found, id.slice(1)] : found;
}

function resolved(reference: string, base: string): string {
  try {
    return new URL(reference, base).href;
  } catch {
    return reference;
  }
}

function withoutFragment(uri: string): string {
  return uri.replace(/#.*$/s, "");
}

function unescaped(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
