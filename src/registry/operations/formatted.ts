import type { SchemaEntry } from "../state/schema-entry.js";
import type { RegistryView } from "./registry-view.js";

/** The text of a version in the format that a request names; without one, or with one that is unknown, the text itself. */
export function formatted({ schemas }: RegistryView, entry: SchemaEntry, format: string | null): string {
  return format === null || format === "" ? entry.schema : schemas.of(entry).formatted(format);
}
