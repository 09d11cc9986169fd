import { consumerGroupDescribe } from "../../src/protocol/apis/consumer-group-describe.js";
import { consumerGroupHeartbeat } from "../../src/protocol/apis/consumer-group-heartbeat.js";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { describeGroups } from "../../src/protocol/apis/describe-groups.js";
import { findCoordinator } from "../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../src/protocol/apis/leave-group.js";
import { listGroups } from "../../src/protocol/apis/list-groups.js";
import { metadata } from "../../src/protocol/apis/metadata.js";
import { offsetCommit } from "../../src/protocol/apis/offset-commit.js";
import { offsetFetch } from "../../src/protocol/apis/offset-fetch.js";
import { syncGroup } from "../../src/protocol/apis/sync-group.js";
import { decodeAssignment, encodeAssignment, encodeSubscription } from "../../src/protocol/consumer-protocol.js";
import { ErrorCodes } from "../../src/protocol/error-codes.js";
import type { InputOf } from "../../src/protocol/message-fields.js";
import type { BrokerClient } from "./broker-client.js";

/** Answers by what was asked; each is short text or plain data. */
export type MigrationAnswers = Record<string, unknown>;

/** Partitions by topic name. */
type Partitions = ReadonlyMap<string, readonly number[]>;

/** A member of the classic protocol, as its client knows itself. */
export interface ClassicMember {
  id: string;
  readonly instanceId: string | null;
  generation: number;
  names: readonly string[];
  protocols: readonly string[];
  owned: Partitions;
}

/** A member of the consumer protocol. */
export interface ConsumerMember {
  readonly id: string;
  readonly instanceId: string | null;
  epoch: number;
  owned: Partitions;
}

const NOTHING: Partitions = new Map();

/** Speaks both group protocols with a broker, and notes its answers without what differs between brokers. */
export class MigrationClient {
  readonly #ids = new Map<string, string>();

  /**
   * @param group the group that the next requests are about.
   * @param shownIds what stands for the ids that the broker makes.
   */
  constructor(
    private readonly client: BrokerClient,
    public group: string,
    readonly answers: MigrationAnswers = {},
    private readonly shownIds = new Map<string, string>(),
  ) {}

  /** The same on another connection, where a request may wait without holding up the others. */
  beside(other: BrokerClient): MigrationClient {
    return new MigrationClient(other, this.group, this.answers, this.shownIds);
  }

  classic(names: readonly string[], instanceId: string | null = null): ClassicMember {
    return { id: "", instanceId, generation: -1, names, protocols: ["range", "cooperative-sticky"], owned: NOTHING };
  }

  consumer(id: string, instanceId: string | null = null): ConsumerMember {
    return { id, instanceId, epoch: 0, owned: NOTHING };
  }

  /** Resolves once the groups are served: Apache Kafka first makes their topic. */
  async begin(topics: Readonly<Record<string, number>>): Promise<void> {
    for (const [name, numPartitions] of Object.entries(topics)) await this.#topic(name, numPartitions);
    const waits: readonly number[] = [
      ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS,
      ErrorCodes.COORDINATOR_NOT_AVAILABLE,
      ErrorCodes.NOT_COORDINATOR,
    ];
    for (let errorCode = waits[0]!; waits.includes(errorCode); ) {
      await this.client.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: [this.group] });
      const request = { groupId: this.group, memberId: "x", memberEpoch: 1 };
      errorCode = (await this.client.request(consumerGroupHeartbeat, 1, request)).errorCode;
    }
  }

  /** A JoinGroup, and another one with the id that it is given, if need be. */
  async join(
    label: string,
    member: ClassicMember,
    { protocolType = "consumer", metadata = undefined as Buffer | undefined, sessionTimeoutMs = 45_000 } = {},
  ): Promise<number> {
    const request = {
      ...{ groupId: this.group, sessionTimeoutMs, rebalanceTimeoutMs: 60_000, protocolType },
      ...{ memberId: member.id, groupInstanceId: member.instanceId },
      protocols: member.protocols.map((name) => ({ name, metadata: metadata ?? this.#subscription(member) })),
    };
    const answer = await this.client.request(joinGroup, 9, request);
    const { errorCode, generationId, protocolName, leader, memberId, members, skipAssignment } = answer;
    if (errorCode === ErrorCodes.MEMBER_ID_REQUIRED) {
      member.id = memberId;
      this.shownIds.set(memberId, `member ${this.shownIds.size}`);
      this.#note(`${label}: first`, errorCode);
      return this.join(label, member, { protocolType, metadata, sessionTimeoutMs });
    }
    if (errorCode === ErrorCodes.NONE) {
      if (member.id !== memberId) this.shownIds.set(memberId, `member ${this.shownIds.size}`);
      Object.assign(member, { id: memberId, generation: generationId });
    }
    const type = [answer.protocolType, protocolName];
    const leads = leader === "" ? "nobody" : leader === memberId ? "itself" : "another";
    const told = [generationId, ...type, leads, members.length, skipAssignment];
    this.#note(label, errorCode === ErrorCodes.NONE ? told : errorCode);
    return errorCode;
  }

  /** A SyncGroup; the member then has what it is assigned. @param given what the leader assigns, by member id. */
  async sync(label: string, member: ClassicMember, given: ReadonlyMap<string, Buffer> = new Map()): Promise<void> {
    const protocolName = member.protocols[0]!;
    const answer = await this.#sync(member, { protocolType: "consumer", protocolName, given });
    const assigned = answer.errorCode === ErrorCodes.NONE ? ofAssignment(answer.assignment) : NOTHING;
    if (answer.errorCode === ErrorCodes.NONE) member.owned = assigned;
    const version = answer.assignment.length > 1 ? answer.assignment.readInt16BE() : null;
    const told = [answer.protocolType, answer.protocolName, version, shown(assigned)];
    this.#note(label, answer.errorCode === ErrorCodes.NONE ? told : answer.errorCode);
  }

  /** A SyncGroup with another protocol. */
  async syncWith(label: string, member: ClassicMember, protocolType: string, protocolName: string): Promise<void> {
    const { errorCode } = await this.#sync(member, { protocolType, protocolName, given: new Map() });
    this.#note(label, errorCode);
  }

  /** Assigns partitions in the embedded protocol. */
  assignment(assigned: Readonly<Record<string, readonly number[]>>, userData: Buffer | null = null): Buffer {
    const assignedPartitions = Object.entries(assigned).map(([topic, partitions]) => ({ topic, partitions }));
    return encodeAssignment(3, { assignedPartitions, userData });
  }

  /** A Heartbeat. */
  async heartbeat(label: string, member: Pick<ClassicMember, "id" | "instanceId" | "generation">): Promise<void> {
    const { id: memberId, instanceId: groupInstanceId, generation: generationId } = member;
    const request = { groupId: this.group, generationId, memberId, groupInstanceId };
    this.#note(label, (await this.client.request(heartbeat, 4, request)).errorCode);
  }

  /** Asks until a rebalance has begun. */
  async untilRebalance({ id: memberId, generation: generationId }: ClassicMember): Promise<void> {
    const request = { groupId: this.group, generationId, memberId };
    for (;;) {
      const { errorCode } = await this.client.request(heartbeat, 4, request);
      if (errorCode === ErrorCodes.REBALANCE_IN_PROGRESS) return;
    }
  }

  async leave(label: string, ...identities: { id: string; instanceId: string | null }[]): Promise<void> {
    const members = identities.map(({ id, instanceId }) => ({ memberId: id, groupInstanceId: instanceId }));
    const left = await this.client.request(leaveGroup, 5, { groupId: this.group, memberId: "", members });
    this.#note(label, [left.errorCode, ...left.members.map(({ errorCode }) => errorCode)]);
  }

  /** The first heartbeat of a member of the consumer protocol. */
  enter(label: string, member: ConsumerMember, names: readonly string[]): Promise<void> {
    member.epoch = 0;
    member.owned = NOTHING;
    return this.#beat(label, member, {
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: [...names],
      topicPartitions: [],
    });
  }

  /** A later heartbeat, which says what the member has. */
  beat(label: string, member: ConsumerMember): Promise<void> {
    const topicPartitions = [...member.owned].map(([topic, partitions]) => {
      return { topicId: this.#ids.get(topic)!, partitions: [...partitions] };
    });
    return this.#beat(label, member, { topicPartitions });
  }

  /** @param epoch -1: for good; -2: for a while. */
  async exit(label: string, member: ConsumerMember, epoch = -1): Promise<void> {
    await this.#beat(label, { ...member, epoch }, {});
  }

  async commit(label: string, memberId: string, epoch: number, partition = 0, version = 9): Promise<void> {
    const partitions = [{ partitionIndex: partition, committedOffset: 7, committedMetadata: "" }];
    const request = { groupId: this.group, memberId, generationIdOrMemberEpoch: epoch };
    const { topics } = await this.client.request(offsetCommit, version, {
      ...request,
      topics: [{ name: "t", partitions }],
    });
    this.#note(`commit ${label}`, topics[0]?.partitions[0]?.errorCode);
  }

  async fetch(label: string, memberId: string | null, memberEpoch: number): Promise<void> {
    const groups = [{ groupId: this.group, memberId, memberEpoch, topics: [{ name: "t", partitionIndexes: [0] }] }];
    const { groups: answered } = await this.client.request(offsetFetch, 9, { groups });
    const { errorCode, topics } = answered[0]!;
    this.#note(`fetch ${label}`, [errorCode, topics[0]?.partitions[0]?.committedOffset ?? null]);
  }

  /** What ListGroups, ConsumerGroupDescribe and DescribeGroups show. */
  async look(label: string): Promise<void> {
    const { groups: all } = await this.client.request(listGroups, 5, { statesFilter: [], typesFilter: [] });
    const listed = all.filter(({ groupId }) => groupId === this.group);
    const list = listed.map(({ protocolType, groupState, groupType }) => [protocolType, groupState, groupType]);
    const asked = { groupIds: [this.group], includeAuthorizedOperations: false };
    const { groups } = await this.client.request(consumerGroupDescribe, 1, asked);
    const { errorCode, errorMessage, groupState, groupEpoch, assignmentEpoch, assignorName, members } = groups[0]!;
    const state = errorCode === 0 ? [groupState, groupEpoch, assignmentEpoch, assignorName] : [errorMessage];
    const told = members.map((member) => {
      const names = [...member.subscribedTopicNames].sort().join();
      const who = [this.#shownId(member.memberId), member.instanceId, member.memberEpoch, member.memberType, names];
      const { assignment, targetAssignment } = member;
      return [
        ...who,
        this.#shown(assignment),
        this.#shown(targetAssignment),
        member.rackId,
        member.subscribedTopicRegex,
      ];
    });
    const { groups: classic } = await this.client.request(describeGroups, 6, { groups: [this.group] });
    const { groupState: old, protocolData, members: olds } = classic[0]!;
    const oldMembers = olds.map(({ memberId, groupInstanceId, memberMetadata, memberAssignment }) => {
      // What a group that was just downgraded shows is its old members' targets on Kafka, and here what they have.
      const assigned = old === "Stable" && memberAssignment.length > 0 ? shown(ofAssignment(memberAssignment)) : null;
      return [this.#shownId(memberId), groupInstanceId, memberMetadata.length > 0, assigned];
    });
    this.#note(`look: ${label}`, {
      list,
      consumer: [errorCode, ...state.map((each) => this.#masked(each)), ...told.sort(byText)],
      classic: [
        classic[0]!.errorCode,
        this.#masked(classic[0]!.errorMessage),
        old,
        protocolData,
        ...oldMembers.sort(byText),
      ],
    });
  }

  async #sync(
    { id, instanceId, generation }: ClassicMember,
    {
      protocolType,
      protocolName,
      given,
    }: { protocolType: string; protocolName: string; given: ReadonlyMap<string, Buffer> },
  ) {
    const assignments = [...given].map(([memberId, assignment]) => ({ memberId, assignment }));
    const who = { groupId: this.group, memberId: id, groupInstanceId: instanceId, generationId: generation };
    return this.client.request(syncGroup, 5, { ...who, protocolType, protocolName, assignments });
  }

  async #beat(
    label: string,
    member: ConsumerMember,
    said: Partial<InputOf<typeof consumerGroupHeartbeat.requestFields>>,
  ): Promise<void> {
    const { id: memberId, instanceId, epoch: memberEpoch } = member;
    const request = { groupId: this.group, memberId, instanceId, memberEpoch, ...said };
    const answer = await this.client.request(consumerGroupHeartbeat, 1, request);
    const { errorCode, errorMessage, assignment } = answer;
    if (errorCode === ErrorCodes.NONE) member.epoch = answer.memberEpoch;
    if (assignment) member.owned = this.#named(assignment);
    const told = [answer.memberEpoch, assignment && this.#shown(assignment)];
    this.#note(label, errorCode === ErrorCodes.NONE ? told : [errorCode, this.#masked(errorMessage)]);
  }

  #subscription({ names, owned, generation }: ClassicMember): Buffer {
    const ownedPartitions = [...owned].map(([topic, partitions]) => ({ topic, partitions }));
    return encodeSubscription(3, { topics: names, userData: null, ownedPartitions, generationId: generation });
  }

  #named({ topicPartitions }: { topicPartitions: readonly { topicId: string; partitions: readonly number[] }[] }) {
    return new Map(
      topicPartitions.map(({ topicId, partitions }) => {
        return [[...this.#ids].find(([, id]) => id === topicId)![0], partitions] as const;
      }),
    );
  }

  #shown(assignment: { topicPartitions: readonly { topicId: string; partitions: readonly number[] }[] }): string {
    return shown(this.#named(assignment));
  }

  #shownId(id: string): string {
    return this.shownIds.get(id) ?? id;
  }

  #masked<T>(text: T): T | string {
    return typeof text === "string" ? text.replaceAll(this.group, "GROUP") : text;
  }

  async #topic(name: string, numPartitions: number): Promise<void> {
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
    await this.client.request(createTopics, 5, { topics, timeoutMs: 10_000, validateOnly: false });
    for (;;) {
      const asked = [{ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }];
      const { topics: found } = await this.client.request(metadata, 12, {
        topics: asked,
        allowAutoTopicCreation: false,
      });
      this.#ids.set(name, found[0]!.topicId);
      if (found[0]!.partitions.length === numPartitions) return;
    }
  }

  #note(label: string, answer: unknown): void {
    if (label in this.answers) throw new Error(`The label ${label} is used twice`);
    this.answers[label] = answer;
  }
}

function ofAssignment(bytes: Buffer): Partitions {
  if (bytes.length < 2) return NOTHING;
  return new Map(decodeAssignment(bytes).assignedPartitions.map(({ topic, partitions }) => [topic, partitions]));
}

/** How many partitions of which topics: which ones is up to the assignor. */
function shown(assigned: Partitions): string {
  return [...assigned]
    .map(([topic, { length }]) => `${topic}:${length}`)
    .sort()
    .join();
}

function byText(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}
