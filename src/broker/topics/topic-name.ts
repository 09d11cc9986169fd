const MAX_LENGTH = 249;

/** Topics of the broker itself. Clients may read but not write them. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
]);

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** Says what is wrong with a topic's name; undefined: nothing. */
export function topicNameFault(name: string): string | undefined {
  if (name === "") return "Topic name is invalid: it is empty";
  if (name === "." || name === "..") return `Topic name is invalid: '${name}' is not allowed`;
  if (name.length > MAX_LENGTH) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${MAX_LENGTH}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return undefined;
}

/** The existing topic that a new one would be mixed up with, as metrics write '.' as '_'; undefined: none. */
export function collidingTopic(name: string, existing: Iterable<string>): string | undefined {
  const flattened = name.replaceAll(".", "_");
  for (const other of existing) {
    if (other !== name && other.replaceAll(".", "_") === flattened) return other;
  }
  return undefined;
}
