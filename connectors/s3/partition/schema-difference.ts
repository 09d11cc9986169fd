import type { Schema } from "../../../src/api/index.js";
import { MetSchemas } from "./met-schemas.js";
import type { RecordFacts } from "./rotation.js";

/** What a record's schema means for the open file of its directory. */
export function compareSchemas(ofFile: Schema | null, ofRecord: Schema | null): RecordFacts["schema"] {
  if ((ofFile === null) !== (ofRecord === null)) return "null-flip";
  return sameSchema(ofFile, ofRecord, new MetSchemas()) ? "same" : "changed";
}

/**
 * Whether two schemas are equal in every respect, version, documentation and parameters included: the
 * question of schema.compatibility=NONE. Converters return one object per schema, so identity nearly always answers it.
 */
function sameSchema(a: Schema | null | undefined, b: Schema | null | undefined, met: MetSchemas): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return (
    a.type === b.type &&
    a.optional === b.optional &&
    a.name === b.name &&
    a.version === b.version &&
    a.doc === b.doc &&
    a.hasDefault === b.hasDefault &&
    sameJson(a.defaultValue, b.defaultValue) &&
    sameParameters(a.parameters, b.parameters) &&
    sameSchema(a.keySchema, b.keySchema, met) &&
    sameSchema(a.valueSchema, b.valueSchema, met) &&
    a.fields.length === b.fields.length &&
    (met.haveMet(a, b) ||
      a.fields.every(
        (field, i) => field.name === b.fields[i]!.name && sameSchema(field.schema, b.fields[i]!.schema, met),
      ))
  );
}

function sameParameters(a: Schema["parameters"], b: Schema["parameters"]): boolean {
  const entries = Object.entries(a ?? {});
  return (
    entries.length === Object.keys(b ?? {}).length &&
    entries.every(([name, text]) => b !== undefined && b[name] === text)
  );
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || textOf(a) === textOf(b);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    return part instanceof Map ? [...part] : part;
  });
}
