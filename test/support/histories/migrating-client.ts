import { topicPartitions } from "../../../src/broker/groups/consumer/assignment/topic-partitions.js";
import { JOIN_EPOCH, LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from "../../../src/broker/groups/consumer/consumer-member.js";
import type { GroupCoordinator } from "../../../src/broker/groups/group-coordinator.js";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../../src/protocol/consumer-protocol.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import type { TestTopics } from "../test-topics.js";

export const GROUP = "g";
export const TOPIC = "t";

/** A consumer of one group. It has one request in flight. */
export abstract class MigratingClient {
  memberId = "";
  /** The partitions that it reads. */
  readonly owned = new Set<number>();
  isSilent = false;
  isGone = false;
  /** It was found to be no member: it learns by its next requests that it must not read. */
  isZombie = false;
  #isBusy = false;
  /** Counts the processes of the broker: the answers of earlier ones are lost. */
  #life = 0;

  constructor(
    readonly instanceId: string | null,
    protected readonly topics: TestTopics,
  ) {}

  /** The broker has ended, and with it the request in flight. */
  lose(): void {
    this.#life++;
    this.#isBusy = false;
  }

  async step(groups: GroupCoordinator): Promise<void> {
    if (this.#isBusy || this.isSilent || this.isGone) return;
    const life = this.#life;
    this.#isBusy = true;
    const obey = await this.send(groups);
    if (life !== this.#life) return;
    this.#isBusy = false;
    if (!this.isGone) obey();
  }

  /** Ends, and says so unless it is to come back as a static member of another client. */
  abstract leave(groups: GroupCoordinator, comesBack: boolean): void;

  /** Sends the next request; resolves with what its answer makes the client do. */
  protected abstract send(groups: GroupCoordinator): Promise<() => void>;

  protected set(partitions: Iterable<number>): void {
    this.isZombie = false;
    this.owned.clear();
    for (const partition of partitions) this.owned.add(partition);
  }

  protected get partitions(): number {
    return this.topics.get(TOPIC)!.partitions;
  }
}

/** A consumer with `group.protocol=classic`: an eager one gives up everything before it joins, a cooperative one only what it must. */
export class ClassicClient extends MigratingClient {
  #phase: "out" | "joined" | "in" = "out";
  #generation = -1;
  /** What it leads: the members' subscriptions by id. Undefined: it is no leader. */
  #led: ReadonlyMap<string, Buffer> | undefined;
  #seenPartitions = 0;

  constructor(
    instanceId: string | null,
    topics: TestTopics,
    private readonly isCooperative: boolean,
    private readonly keepsAll: boolean,
  ) {
    super(instanceId, topics);
  }

  leave(groups: GroupCoordinator, comesBack: boolean): void {
    this.isGone = true;
    if (!comesBack) groups.leave(GROUP, [{ memberId: this.memberId, instanceId: this.instanceId }]);
  }

  protected send(groups: GroupCoordinator): Promise<() => void> {
    if (this.#phase === "out") return this.#join(groups);
    return this.#phase === "joined" ? this.#sync(groups) : this.#beat(groups);
  }

  async #join(groups: GroupCoordinator): Promise<() => void> {
    if (!this.isCooperative && !this.keepsAll) this.set([]);
    const { memberId, instanceId } = this;
    const ownedPartitions = [{ topic: TOPIC, partitions: this.isCooperative ? [...this.owned] : [] }];
    const said = { topics: [TOPIC], userData: null, ownedPartitions, generationId: this.#generation };
    const answer = await groups.join(GROUP, {
      ...{ memberId, instanceId, clientId: "c", clientHost: "/127.0.0.1", protocolType: "consumer" },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000, asksForMemberId: true, canSkipAssignment: true },
      protocols: [{ name: this.isCooperative ? "cooperative" : "eager", metadata: encodeSubscription(3, said) }],
    });
    const { errorCode, members } = answer;
    return () => {
      if (errorCode === ErrorCodes.MEMBER_ID_REQUIRED) this.memberId = answer.memberId;
      if (errorCode !== ErrorCodes.NONE) return this.#heed(errorCode);
      Object.assign(this, { memberId: answer.memberId });
      this.#generation = answer.generationId;
      const leads = answer.leader === answer.memberId;
      this.#led = leads ? new Map(members.map((each) => [each.memberId, each.metadata])) : undefined;
      this.#seenPartitions = this.partitions;
      this.#phase = leads && answer.skipAssignment ? "in" : "joined";
      if (answer.skipAssignment) this.#phase = "joined";
    };
  }

  async #sync(groups: GroupCoordinator): Promise<() => void> {
    const { memberId, instanceId } = this;
    const identity = { memberId, instanceId, generationId: this.#generation, protocolType: null, protocolName: null };
    const { errorCode, assignment } = await groups.sync(GROUP, { ...identity, assignments: this.#assign() });
    return () => {
      if (errorCode !== ErrorCodes.NONE) return this.#heed(errorCode);
      const assigned = new Set(decodeAssignment(assignment).assignedPartitions.flatMap(({ partitions }) => partitions));
      const mustGiveUp = [...this.owned].some((each) => !assigned.has(each));
      this.set(this.keepsAll ? [...this.owned, ...assigned] : assigned);
      this.#phase = this.isCooperative && mustGiveUp ? "out" : "in";
    };
  }

  async #beat(groups: GroupCoordinator): Promise<() => void> {
    const { memberId, instanceId } = this;
    const errorCode = groups.heartbeat(GROUP, { memberId, instanceId }, this.#generation);
    return () => {
      if (errorCode !== ErrorCodes.NONE) this.#heed(errorCode);
      else if (this.#led && this.#seenPartitions !== this.partitions) this.#phase = "out";
    };
  }

  #heed(errorCode: number): void {
    if (errorCode === ErrorCodes.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCodes.NOT_COORDINATOR) return;
    if (errorCode === ErrorCodes.FENCED_INSTANCE_ID) this.isGone = true;
    if (errorCode === ErrorCodes.UNKNOWN_MEMBER_ID) this.memberId = "";
    this.#phase = "out";
    if (errorCode === ErrorCodes.REBALANCE_IN_PROGRESS || errorCode === ErrorCodes.MEMBER_ID_REQUIRED) return;
    this.set([]);
    this.#generation = -1;
  }

  /** Shares out: what members have they keep, up to their share; what one must give up nobody gets in this generation. */
  #assign() {
    if (!this.#led) return [];
    const share = Math.ceil(this.partitions / this.#led.size);
    const held = new Map<string, number[]>();
    const free = new Set(Array.from({ length: this.partitions }, (_, at) => at));
    for (const [memberId, metadata] of this.#led) {
      const has = decodeSubscription(metadata).ownedPartitions.flatMap(({ partitions }) => partitions);
      const its = has.filter((each) => free.delete(each));
      held.set(memberId, its.slice(0, share));
    }
    for (const partition of free) {
      const [, poorest] = [...held].reduce((least, each) => (each[1].length < least[1].length ? each : least));
      poorest.push(partition);
    }
    return [...held].map(([memberId, partitions]) => {
      const assignedPartitions = [{ topic: TOPIC, partitions }];
      return { memberId, assignment: encodeAssignment(1, { assignedPartitions, userData: null }) };
    });
  }
}

/** A consumer with `group.protocol=consumer`, which says everything with each heartbeat. */
export class ConsumerClient extends MigratingClient {
  #epoch = JOIN_EPOCH;

  constructor(memberId: string, instanceId: string | null, topics: TestTopics) {
    super(instanceId, topics);
    this.memberId = memberId;
  }

  leave(groups: GroupCoordinator, comesBack: boolean): void {
    this.isGone = true;
    this.#beat(groups, comesBack ? STATIC_LEAVE_EPOCH : LEAVE_EPOCH);
  }

  protected async send(groups: GroupCoordinator): Promise<() => void> {
    const { errorCode, memberEpoch, assignment } = this.#beat(groups, this.#epoch);
    const code = errorCode === ErrorCodes.NONE ? await groups.settled(GROUP) : errorCode;
    return () => {
      const isRefused = code !== undefined && code !== ErrorCodes.NONE;
      if (code === ErrorCodes.COORDINATOR_NOT_AVAILABLE || code === ErrorCodes.NOT_COORDINATOR) return;
      if (code === ErrorCodes.FENCED_INSTANCE_ID) this.isGone = true;
      if (isRefused) {
        this.#epoch = JOIN_EPOCH;
        this.set([]);
        return;
      }
      this.#epoch = memberEpoch;
      const assigned = new Set(assignment!.flatMap(({ partitions }) => partitions));
      const kept = [...this.owned].filter((each) => assigned.has(each));
      // First it gives up; some time later it takes what it gets.
      this.set(kept.length < this.owned.size ? kept : assigned);
    };
  }

  #beat(groups: GroupCoordinator, memberEpoch: number) {
    const partitions = memberEpoch === JOIN_EPOCH ? [] : [...this.owned];
    const { memberId, instanceId } = this;
    const command = {
      ...{ memberId, instanceId, memberEpoch, rackId: null, clientId: "c", clientHost: "/127.0.0.1" },
      ...{ rebalanceTimeoutMs: 20_000, subscribedTopicNames: [TOPIC], subscribedTopicRegex: null },
      ...{ serverAssignor: null, mayMatch: () => true },
      owned: topicPartitions([{ topicId: this.topics.get(TOPIC)!.id, partitions }]),
    };
    return groups.consumerHeartbeat(GROUP, command, true);
  }
}
