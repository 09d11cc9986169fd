/** `schema.name.adjustment.mode` and `field.name.adjustment.mode` of Debezium's connectors and transformations. */
export type NameAdjustment = "none" | "avro" | "avro_unicode";

/** A name that Avro accepts for a schema: letters, digits, `_` and `.`, not beginning with a digit. */
export function adjustedSchemaName(mode: NameAdjustment, name: string): string {
  return adjusted(mode, name, true);
}

/** A name that Avro accepts for a field: like a schema's, without dots. */
export function adjustedFieldName(mode: NameAdjustment, name: string): string {
  return adjusted(mode, name, false);
}

/**
 * `avro` puts `_` in place of characters that are not allowed, and before a digit at the start; `avro_unicode` their code
 * (`_u00e9`), also in place of `_` itself, so that different names stay different. By UTF-16 unit, as Java does.
 */
function adjusted(mode: NameAdjustment, name: string, hasDots: boolean): string {
  if (mode === "none") return name;
  let result = "";
  for (let at = 0; at < name.length; at++) {
    const char = name[at]!;
    const isLetter = /[A-Za-z]/.test(char) || (char === "_" && mode === "avro");
    const isAllowed = isLetter || (at > 0 && (/[0-9]/.test(char) || (hasDots && char === ".")));
    if (isAllowed) result += char;
    else if (mode === "avro_unicode") result += `_u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
    else result += at === 0 && /[0-9]/.test(char) ? `_${char}` : "_";
  }
  return result;
}
