import type { ParsedSchema } from "../schema/schema-text.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import type { Level } from "../state/scope-config.js";
import { SCHEMA_KINDS } from "./schema-kinds.js";
import type { ScopedSettings } from "./scoped-settings.js";

/** A registered version, as a new schema is compared with it. */
export interface EarlierSchema {
  readonly entry: SchemaEntry;
  parsed(): ParsedSchema;
}

export interface NewSchema {
  readonly parsed: ParsedSchema;
  readonly properties: Readonly<Record<string, string>>;
}

/** Longer texts are cut in messages. */
const MOST_CHARS = 10_240;
const RESERVED = "confluent:reserved";

/**
 * Why a schema is not compatible with earlier ones, as lines for the client. Empty: it is.
 *
 * @param earlier in ascending order of version
 */
export function compatibilityFaults(
  schema: NewSchema,
  earlier: readonly EarlierSchema[],
  settings: ScopedSettings,
): readonly string[] {
  const { level, group, validatesFields } = settings;
  const compared = earlier
    .filter(({ entry }) => group === undefined || entry.metadata?.properties?.[group] === schema.properties[group])
    .reverse();
  const last = `{validateFields: '${validatesFields}', compatibility: '${level}'}`;
  if (validatesFields && compared[0]) {
    const lines = reservedFaults(schema, compared[0]);
    if (lines.length > 0) return [...lines, last];
  }
  if (level === "NONE") return [];
  for (const each of level.endsWith("_TRANSITIVE") ? compared : compared.slice(0, 1)) {
    if (each.entry.schemaType !== schema.parsed.type) return ["Incompatible because of different schema type", last];
    const lines = faultsAgainst(schema.parsed, each, level, settings.isLenient);
    if (lines.length > 0) return [...lines, last];
  }
  return [];
}

function faultsAgainst(update: ParsedSchema, earlier: EarlierSchema, level: Level, isLenient: boolean): string[] {
  const kind = SCHEMA_KINDS[update.type];
  const original = earlier.parsed();
  const backward = () => worded(kind.faults(update, original, isLenient), "new", "old");
  const forward = () => worded(kind.faults(original, update, isLenient), "old", "new");
  const old = oldLines(earlier.entry);
  if (level.startsWith("FULL")) {
    const [ahead, back] = [forward(), backward()];
    return [...ahead, ...back, ...(back.length > 0 ? old : [])];
  }
  const lines = level.startsWith("FORWARD") ? forward() : backward();
  return lines.length > 0 ? [...lines, ...old] : [];
}

function oldLines({ version, schema }: SchemaEntry): string[] {
  const text =
    schema.length > MOST_CHARS
      ? `{oldSchema: <truncated> '${schema.slice(0, MOST_CHARS)}...'}`
      : `{oldSchema: '${schema}'}`;
  return [`{oldSchemaVersion: ${version}}`, text];
}

function worded(lines: readonly string[], first: string, second: string): string[] {
  return lines.map((line) => line.replace("%s", first).replace("%s", second));
}

/** Fields that metadata reserve stay reserved, and do not come back. */
function reservedFaults({ parsed, properties }: NewSchema, { entry }: EarlierSchema): string[] {
  const before = fieldsOf(entry.metadata?.properties?.[RESERVED]);
  const now = fieldsOf(properties[RESERVED]);
  return [
    ...before
      .filter((field) => !now.includes(field))
      .map(
        (field) =>
          `The new schema has reserved field ${field} removed from its metadata which is present in the old schema's metadata.`,
      ),
    ...now
      .filter((field) => parsed.fields.includes(field))
      .map((field) => `The new schema has field that conflicts with the reserved field ${field}.`),
  ];
}

function fieldsOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((field) => field.trim())
    .filter((field) => field !== "");
}
