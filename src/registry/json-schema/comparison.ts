import type { Json } from "../json/json-value.js";
import type { Difference } from "./difference.js";
import type { SchemaPlace } from "./json-schema-documents.js";

/** A child schema of both sides: of each the place around it, and its JSON. */
export interface Child {
  readonly place: SchemaPlace;
  readonly json: Json;
}

/** What the comparisons of single kinds need. All paths are below the schemas that they compare. */
export interface Comparison {
  /** A change of a type at a path, unless it is tolerated. */
  raised(type: string, ...path: string[]): Difference[];
  /** The changes between two child schemas; undefined: there is none. */
  children(original: Child | undefined, update: Child | undefined, ...path: string[]): Difference[];
}
