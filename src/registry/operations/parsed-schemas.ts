import type { ParsedSchema } from "../schema/schema-text.js";
import type { RegistryState } from "../state/registry-state.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { contextOf } from "../state/subject-name.js";
import { parseSchema } from "./parse-schema.js";

/** So many schemas stay parsed. */
const MOST_PARSED = 1000;

/** The registered schemas that were needed last, parsed. */
export class ParsedSchemas {
  readonly #parsed = new Map<string, ParsedSchema>();

  constructor(private readonly state: RegistryState) {}

  /** @throws RegistryError 42201 for a text of another registry that ours cannot read */
  of(entry: SchemaEntry): ParsedSchema {
    const key = `${contextOf(entry.subject)} ${entry.schemaType} ${entry.guid}`;
    const known = this.#parsed.get(key);
    const parsed = known ?? parseSchema(this.state, entry, false);
    this.#parsed.delete(key);
    this.#parsed.set(key, parsed);
    if (this.#parsed.size > MOST_PARSED) this.#parsed.delete(this.#parsed.keys().next().value!);
    return parsed;
  }
}
