import type { Schema } from "../../../src/api/index.js";

type Fields = Schema["fields"];

/** Pairs of fields that a comparison has met: a schema may contain itself, and one difference anywhere ends it. */
export class MetSchemas {
  readonly #met = new Map<Fields, Set<Fields>>();

  /** Whether these two were met before. All uses of a struct share its fields. */
  haveMet(one: Schema, other: Schema): boolean {
    const met = this.#met.get(one.fields) ?? new Set();
    if (met.has(other.fields)) return true;
    this.#met.set(one.fields, met.add(other.fields));
    return false;
  }
}
