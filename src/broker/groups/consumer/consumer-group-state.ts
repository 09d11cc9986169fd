import type { AssignedPartitions, TopicPartitions } from "./assignment/topic-partitions.js";
import type { CurrentAssignment, MemberDescription } from "./consumer-member.js";
import { NOTHING_ASSIGNED } from "./consumer-member.js";
import type { ConsumerRecord, ResolvedRegex } from "./consumer-records.js";

const NO_TARGET: TopicPartitions = new Map();

/**
 * A consumer group as its records describe it: their fold, in any order that compaction may leave. The only way to change
 * it is `apply`.
 */
export class ConsumerGroupState {
  #epoch: { readonly epoch: number; readonly metadataHash: number } | null = null;
  #targetEpoch: number | null = null;
  readonly #members = new Map<string, MemberDescription>();
  readonly #currents = new Map<string, CurrentAssignment>();
  readonly #targets = new Map<string, TopicPartitions>();
  readonly #regexes = new Map<string, ResolvedRegex>();
  readonly #instances = new Map<string, string>();
  /** The owner of each partition, by topic id. */
  readonly #owners = new Map<string, Map<number, string>>();

  constructor(readonly groupId: string) {}

  /** Whether there is such a group: its epoch is written first and deleted last. */
  get exists(): boolean {
    return this.#epoch !== null;
  }

  get epoch(): number {
    return this.#epoch?.epoch ?? 0;
  }

  get metadataHash(): number {
    return this.#epoch?.metadataHash ?? 0;
  }

  /** The epoch that the targets were computed for. */
  get targetEpoch(): number {
    return this.#targetEpoch ?? 0;
  }

  get members(): ReadonlyMap<string, MemberDescription> {
    return this.#members;
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#regexes;
  }

  current(memberId: string): CurrentAssignment {
    return this.#currents.get(memberId) ?? NOTHING_ASSIGNED;
  }

  target(memberId: string): TopicPartitions {
    return this.#targets.get(memberId) ?? NO_TARGET;
  }

  /** The member of a static instance. */
  ofInstance(instanceId: string): string | undefined {
    return this.#instances.get(instanceId);
  }

  /** The member that has a partition, or has not given it up yet. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** All names that the members are subscribed to, the matches of their regular expressions included. */
  subscribedNames(): Set<string> {
    const names = new Set<string>();
    for (const member of this.#members.values()) for (const name of this.namesOf(member)) names.add(name);
    return names;
  }

  /** The names that a member is subscribed to. */
  namesOf({ subscribedTopicNames, subscribedTopicRegex }: MemberDescription): readonly string[] {
    const matched = subscribedTopicRegex === null ? undefined : this.#regexes.get(subscribedTopicRegex)?.topics;
    return matched === undefined ? subscribedTopicNames : [...subscribedTopicNames, ...matched];
  }

  /** The records that delete it. */
  tombstones(): ConsumerRecord[] {
    const group = this.groupId;
    const records: ConsumerRecord[] = [];
    for (const regex of this.#regexes.keys()) records.push({ kind: "regex", group, regex, value: null });
    for (const memberId of new Set([...this.#currents.keys(), ...this.#targets.keys(), ...this.#members.keys()])) {
      records.push(...memberTombstones(group, memberId));
    }
    records.push({ kind: "target-epoch", group, value: null }, { kind: "group-epoch", group, value: null });
    return records;
  }

  /** The records that make it from nothing. */
  records(): ConsumerRecord[] {
    const group = this.groupId;
    const records: ConsumerRecord[] = [];
    if (this.#epoch) records.push({ kind: "group-epoch", group, value: this.#epoch });
    if (this.#targetEpoch !== null) records.push({ kind: "target-epoch", group, value: this.#targetEpoch });
    for (const [memberId, value] of this.#members) records.push({ kind: "member", group, memberId, value });
    for (const [memberId, value] of this.#targets) records.push({ kind: "target", group, memberId, value });
    for (const [memberId, value] of this.#currents) records.push({ kind: "current", group, memberId, value });
    for (const [regex, value] of this.#regexes) records.push({ kind: "regex", group, regex, value });
    return records;
  }

  /** The record that undoes `record`, before that is applied. */
  inverseOf(record: ConsumerRecord): ConsumerRecord {
    switch (record.kind) {
      case "group-epoch":
        return { ...record, value: this.#epoch };
      case "target-epoch":
        return { ...record, value: this.#targetEpoch };
      case "member":
        return { ...record, value: this.#members.get(record.memberId) ?? null };
      case "target":
        return { ...record, value: this.#targets.get(record.memberId) ?? null };
      case "current":
        return { ...record, value: this.#currents.get(record.memberId) ?? null };
      case "regex":
        return { ...record, value: this.#regexes.get(record.regex) ?? null };
    }
  }

  apply(record: ConsumerRecord): void {
    switch (record.kind) {
      case "group-epoch":
        this.#epoch = record.value;
        break;
      case "target-epoch":
        this.#targetEpoch = record.value;
        break;
      case "member":
        this.#setMember(record.memberId, record.value);
        break;
      case "target":
        setOrDelete(this.#targets, record.memberId, record.value);
        break;
      case "current":
        this.#setCurrent(record.memberId, record.value);
        break;
      case "regex":
        setOrDelete(this.#regexes, record.regex, record.value);
        break;
    }
  }

  #setMember(memberId: string, value: MemberDescription | null): void {
    const before = this.#members.get(memberId)?.instanceId ?? null;
    if (before !== null && this.#instances.get(before) === memberId) this.#instances.delete(before);
    setOrDelete(this.#members, memberId, value);
    const instanceId = value?.instanceId ?? null;
    if (instanceId !== null) this.#instances.set(instanceId, memberId);
  }

  #setCurrent(memberId: string, value: CurrentAssignment | null): void {
    const before = this.#currents.get(memberId);
    if (before) {
      this.#release(memberId, before.assigned);
      this.#release(memberId, before.pendingRevocation);
    }
    setOrDelete(this.#currents, memberId, value);
    if (value) {
      this.#take(memberId, value.assigned);
      this.#take(memberId, value.pendingRevocation);
    }
  }

  #release(memberId: string, assigned: AssignedPartitions): void {
    for (const [topicId, partitions] of assigned) {
      const owners = this.#owners.get(topicId);
      for (const partition of partitions.keys()) if (owners?.get(partition) === memberId) owners.delete(partition);
      if (owners?.size === 0) this.#owners.delete(topicId);
    }
  }

  #take(memberId: string, assigned: AssignedPartitions): void {
    for (const [topicId, partitions] of assigned) {
      let owners = this.#owners.get(topicId);
      if (!owners) {
        owners = new Map();
        this.#owners.set(topicId, owners);
      }
      for (const partition of partitions.keys()) owners.set(partition, memberId);
    }
  }
}

/** The records that remove a member. */
export function memberTombstones(group: string, memberId: string): ConsumerRecord[] {
  return [
    { kind: "current", group, memberId, value: null },
    { kind: "target", group, memberId, value: null },
    { kind: "member", group, memberId, value: null },
  ];
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
