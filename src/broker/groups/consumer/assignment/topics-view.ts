import { createHash } from "node:crypto";

/** A topic, for the groups that read it. */
export interface TopicShape {
  readonly id: string;
  readonly partitions: number;
}

/** The topics of the broker. */
export interface TopicsView {
  /** Rises with each topic that is created or deleted or gets partitions. */
  readonly version: number;
  get(name: string): TopicShape | undefined;
  nameOf(topicId: string): string | undefined;
  names(): Iterable<string>;
  nowMs(): number;
}

/** Bytes of the hash: as many as a number holds exactly. */
const HASH_BYTES = 6;

/** A hash of what the subscribed topics are like: it changes with their existence, ids and numbers of partitions. */
export function subscriptionHash(names: ReadonlySet<string>, topics: TopicsView): number {
  const hash = createHash("sha256");
  for (const name of [...names].sort()) {
    const topic = topics.get(name);
    if (topic) hash.update(`${name} ${topic.id} ${topic.partitions}\n`);
  }
  return hash.digest().readUIntBE(0, HASH_BYTES);
}
