import type { TopicShape, TopicsView } from "../../src/broker/groups/consumer/assignment/topics-view.js";

/** Topics without logs, for groups. Each is `[name, number of partitions]`; its id is made of its name and a count. */
export class TestTopics implements TopicsView {
  version = 0;
  #made = 0;
  readonly #topics = new Map<string, TopicShape>();

  constructor(...topics: readonly (readonly [name: string, partitions: number])[]) {
    for (const [name, partitions] of topics) this.create(name, partitions);
  }

  create(name: string, partitions: number): void {
    const id = Buffer.from(`${name} ${this.#made++}`.padEnd(16, ".").slice(0, 16)).toString("base64url");
    this.#topics.set(name, { id, partitions });
    this.version++;
  }

  delete(name: string): void {
    this.#topics.delete(name);
    this.version++;
  }

  addPartitions(name: string, partitions: number): void {
    this.#topics.set(name, { id: this.#topics.get(name)!.id, partitions });
    this.version++;
  }

  get(name: string): TopicShape | undefined {
    return this.#topics.get(name);
  }

  nameOf(topicId: string): string | undefined {
    return [...this.#topics].find(([, { id }]) => id === topicId)?.[0];
  }

  names(): Iterable<string> {
    return this.#topics.keys();
  }

  nowMs(): number {
    return 0;
  }
}
