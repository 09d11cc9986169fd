import type { Schema } from "../../api/index.js";

/** Results that a transformation computes once for each Schema object, such as the changed schema. */
export class PerSchema<T> {
  readonly #known = new WeakMap<Schema, T>();

  constructor(private readonly make: (schema: Schema) => T) {}

  of(schema: Schema): T {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const made = this.make(schema);
    this.#known.set(schema, made);
    return made;
  }
}
