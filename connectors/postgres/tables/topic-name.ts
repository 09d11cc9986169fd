import type { TopicNaming } from "../config/topic-naming.js";

/** Kafka's limit for a topic name. */
const MAX_LENGTH = 249;

/** The topic of a table's events: `prefix.schema.table`, or what `topic.regex` makes of it. */
export function dataTopic(naming: TopicNaming, schema: string, table: string): string {
  const name = sanitizeTopic(originalName(naming, schema, table), naming.isUnicode);
  return naming.route(name) || name;
}

/** What tells the events of a table apart in a topic that it shares, for the key. */
export function tableIdentifier(naming: TopicNaming, schema: string, table: string): string {
  const name = originalName(naming, schema, table);
  return naming.keyField?.identify(name) ?? name;
}

function originalName({ prefix, delimiter, hasSchema }: TopicNaming, schema: string, table: string): string {
  return [prefix, ...(hasSchema ? [schema] : []), table].filter((part) => part.trim() !== "").join(delimiter);
}

/** @param isUnicode puts a character's code in its place, also for an underscore, so that names stay different. */
export function sanitizeTopic(name: string, isUnicode = false): string {
  // By UTF-16 unit, as Java does: a character beyond U+FFFF becomes two underscores.
  const clean = isUnicode ? name.replace(/[^A-Za-z0-9.-]/g, escaped) : name.replace(/[^A-Za-z0-9._-]/g, "_");
  const cut = clean.slice(0, MAX_LENGTH);
  const dot = isUnicode ? escaped(".") : "_";
  if (cut === ".") return dot;
  return cut === ".." ? dot + dot : cut;
}

function escaped(char: string): string {
  return `_u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
