/** Kafka's controller writes this one; clients may not create it. */
export const METADATA_TOPIC = "__cluster_metadata";

/** The broker's own topics. Clients may read but not write them. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
]);

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** The existing topic whose name collides with a new one, since metrics replace '.' by '_'; undefined: none. */
export function collidingTopic(name: string, existing: Iterable<string>): string | undefined {
  const flattened = name.replaceAll(".", "_");
  for (const other of existing) {
    if (other !== name && other.replaceAll(".", "_") === flattened) return other;
  }
  return undefined;
}
