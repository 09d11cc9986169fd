/** Kafka's limit for a topic name. */
const MAX_LENGTH = 249;

interface TopicNaming {
  readonly topicPrefix: string;
  readonly topicDelimiter: string;
}

/** `prefix.schema.table`, with an underscore for each character that Kafka does not allow. */
export function dataTopic({ topicPrefix, topicDelimiter }: TopicNaming, schema: string, table: string): string {
  return sanitizeTopic([topicPrefix, schema, table].join(topicDelimiter));
}

export function sanitizeTopic(name: string): string {
  // By UTF-16 unit, as Java does: a character beyond U+FFFF becomes two underscores.
  const clean = name.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, MAX_LENGTH);
  if (clean === ".") return "_";
  return clean === ".." ? "__" : clean;
}
