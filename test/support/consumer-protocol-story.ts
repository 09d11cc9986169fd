import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ResponseOf } from "../../src/protocol/api.js";
import { consumerGroupDescribe } from "../../src/protocol/apis/consumer-group-describe.js";
import { consumerGroupHeartbeat } from "../../src/protocol/apis/consumer-group-heartbeat.js";
import { createPartitions } from "../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { deleteGroups } from "../../src/protocol/apis/delete-groups.js";
import { describeConfigs } from "../../src/protocol/apis/describe-configs.js";
import { describeGroups } from "../../src/protocol/apis/describe-groups.js";
import { findCoordinator } from "../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../src/protocol/apis/heartbeat.js";
import { incrementalAlterConfigs } from "../../src/protocol/apis/incremental-alter-configs.js";
import { joinGroup } from "../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../src/protocol/apis/leave-group.js";
import { listGroups } from "../../src/protocol/apis/list-groups.js";
import { metadata } from "../../src/protocol/apis/metadata.js";
import { offsetCommit } from "../../src/protocol/apis/offset-commit.js";
import { offsetDelete } from "../../src/protocol/apis/offset-delete.js";
import { offsetFetch } from "../../src/protocol/apis/offset-fetch.js";
import { ErrorCodes } from "../../src/protocol/error-codes.js";
import type { InputOf } from "../../src/protocol/message-fields.js";
import type { BrokerClient } from "./broker-client.js";

type Beat = Partial<InputOf<typeof consumerGroupHeartbeat.requestFields>>;
type Assignment = ResponseOf<typeof consumerGroupHeartbeat>["assignment"];

/** Expressions that RE2 does not take. */
const FAULTY = [
  ...["(a", "[a", "*a", "a|+", "a**", "a*+", "a{1001}", "a{3,2}", "(?=a)", "(?!a)", "(?<!a)", "(?>a)", "(a)\\1"],
  ...[
    "\\y",
    "a\\",
    "[b-a]",
    "[[:none:]]",
    "\\p{None}",
    "(?P<a>x)(?P<a>y)",
    "(?P<a",
    "(?z)a",
    "a{2}{3}",
    "\\xZZ",
    "[a-\\d]",
  ],
];

/** A story's answers, by what was asked; each is short text or plain data. */
export type StoryAnswers = Record<string, unknown>;

/** What Apache Kafka 4.3.1 answers, without online migration and with `group.consumer.assignment.interval.ms=0`. */
export const KAFKA_ANSWERS = JSON.parse(
  readFileSync(join(import.meta.dirname, "consumer-protocol-answers.json"), "utf8"),
) as StoryAnswers;

/** Asks a broker everything about a consumer group, and notes the answers without what differs between brokers. */
export class ConsumerProtocolStory {
  readonly #answers: StoryAnswers = {};
  /** Topic ids by name. */
  readonly #ids = new Map<string, string>();
  /** The last epoch that each member was told. */
  readonly #epochs = new Map<string, number>();

  /** @param group the name of the group, which must not exist. */
  constructor(
    private readonly client: BrokerClient,
    private readonly group: string,
  ) {}

  async run(): Promise<StoryAnswers> {
    await this.#coordinator();
    await this.#topic("t", 4);
    await this.#topic("u", 2);
    await this.#refusals();
    await this.#configs();
    await this.#rebalance();
    await this.#offsets();
    await this.#statics();
    await this.#admins();
    await this.#topics();
    await this.#regexes();
    await this.#conversions();
    // As in the file: what there is none of is null.
    return JSON.parse(JSON.stringify(this.#answers)) as StoryAnswers;
  }

  async #refusals(): Promise<void> {
    const join = { memberId: "x", memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [] };
    const names = { subscribedTopicNames: ["t"] };
    await this.#beat("a member of an unknown group", { memberId: "x", memberEpoch: 1 });
    await this.#beat("a leave from an unknown group", { memberId: "x", memberEpoch: -1 });
    await this.#beat("no member id", { ...join, ...names, memberId: "" });
    await this.#beat("no member id, v0, later", { ...names, memberId: "", memberEpoch: 1 }, 0);
    await this.#beat("no group id", { ...join, ...names, groupId: "" });
    await this.#beat("an empty instance id", { ...join, ...names, instanceId: "" });
    await this.#beat("an empty rack", { ...join, ...names, rackId: "" });
    await this.#beat("no rebalance timeout", { ...join, ...names, rebalanceTimeoutMs: -1 });
    await this.#beat("owned partitions at a join", { ...join, ...names, topicPartitions: this.#owned("t", [0]) });
    await this.#beat("unknown partitions at a join", { ...join, ...names, topicPartitions: null });
    await this.#beat("no subscription", join);
    await this.#beat("epoch -3", { ...join, ...names, memberEpoch: -3 });
    await this.#beat("a static leave without an instance", { ...join, ...names, memberEpoch: -2 });
    await this.#beat("an unknown assignor", { ...join, ...names, serverAssignor: "sticky" });
    for (const regex of FAULTY) await this.#beat(`the expression ${regex}`, { ...join, subscribedTopicRegex: regex });
    await this.#list("after refusals");
  }

  async #configs(): Promise<void> {
    const resource = { resourceType: 32, resourceName: this.group };
    const alter = async (label: string, value: Record<string, string>, resourceName = this.group) => {
      const configs = Object.entries(value).map(([name, text]) => ({ name, configOperation: 0, value: text }));
      const resources = [{ ...resource, resourceName, configs }];
      const { responses } = await this.client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
      this.#note(`configs: ${label}`, [responses[0]!.errorCode, this.#masked(responses[0]!.errorMessage)]);
    };
    const described = async () => {
      const configurationKeys = ["consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"];
      const request = { resources: [{ ...resource, configurationKeys }], includeSynonyms: true };
      const { results } = await this.client.request(describeConfigs, 4, { ...request, includeDocumentation: false });
      return results[0]!.configs.map(({ name, value, configSource, configType, readOnly, synonyms }) => {
        return [name, value, configSource, configType, readOnly, synonyms.map(({ source }) => source)];
      });
    };
    this.#note("configs: defaults", await described());
    await alter("a session that is too short", { "consumer.session.timeout.ms": "1000" });
    await alter("a session that is too long", { "consumer.session.timeout.ms": "99999999" });
    await alter("a heartbeat that is too frequent", { "consumer.heartbeat.interval.ms": "10" });
    await alter("no number", { "consumer.heartbeat.interval.ms": "x" });
    await alter("an unknown key", { "consumer.none": "1" });
    await alter("no group", { "consumer.heartbeat.interval.ms": "6000" }, "");
    await alter("two keys", { "consumer.heartbeat.interval.ms": "6000", "consumer.session.timeout.ms": "50000" });
    // Apache Kafka applies them after its answer.
    while (JSON.stringify(await described()).includes("45000")) await this.#list("with settings");
    this.#note("configs: of the group", await described());
    const join = { memberId: "x", memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [] };
    for (let interval = 0; interval !== 6000; ) {
      const request = { groupId: this.group, ...join, subscribedTopicNames: [] };
      interval = (await this.client.request(consumerGroupHeartbeat, 1, request)).heartbeatIntervalMs;
    }
    await this.#beat("x leaves", { memberId: "x", memberEpoch: -1 });
    await this.client.request(deleteGroups, 2, { groupsNames: [this.group] });
    const removed = ["consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"];
    const configs = removed.map((name) => ({ name, configOperation: 1, value: null }));
    const resources = [{ ...resource, configs }];
    await this.client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
    while (JSON.stringify(await described()).includes("6000")) await this.#list("with settings");
  }

  async #rebalance(): Promise<void> {
    await this.#join("m1", ["t"]);
    await this.#beat("m1 has nothing to say", { memberId: "m1", memberEpoch: 2 });
    await this.#describe("one member");
    await this.#beat("m1 says everything", {
      ...this.#all("m1", ["t"]),
      topicPartitions: this.#owned("t", [0, 1, 2, 3]),
    });
    await this.#join("m2", ["t"]);
    await this.#describe("a second member has joined");
    await this.#beat("m1 is asked for two", { memberId: "m1", memberEpoch: 2 });
    await this.#describe("m1 has not given up anything");
    await this.#beat("m2 waits", { memberId: "m2", memberEpoch: 3 });
    await this.#beat("m1 still has all", {
      memberId: "m1",
      memberEpoch: 2,
      topicPartitions: this.#owned("t", [0, 1, 2, 3]),
    });
    await this.#beat("m1 has given up two", {
      memberId: "m1",
      memberEpoch: 2,
      topicPartitions: this.#owned("t", this.#kept),
    });
    await this.#beat("m2 gets two", { memberId: "m2", memberEpoch: 3 });
    await this.#describe("shared out");
    await this.#beat("m1 repeats itself", {
      memberId: "m1",
      memberEpoch: 2,
      topicPartitions: this.#owned("t", this.#kept),
    });
    await this.#beat("m1 repeats itself without its partitions", { memberId: "m1", memberEpoch: 2 });
    await this.#beat("m1 is ahead", { memberId: "m1", memberEpoch: 7 });
    await this.#beat("m2 is behind", { memberId: "m2", memberEpoch: 1 });
    await this.#beat("a stranger", { memberId: "x", memberEpoch: 1 });
    await this.#beat("a stranger leaves", { memberId: "x", memberEpoch: -1 });
    await this.#beat("m1 joins again", { ...this.#all("m1", ["t"]), memberEpoch: 0, topicPartitions: [] });
    await this.#beat("m2 reads u as well", { memberId: "m2", memberEpoch: 3, subscribedTopicNames: ["u", "t"] });
    await this.#beat("m2 with range", { memberId: "m2", memberEpoch: this.#epoch("m2"), serverAssignor: "range" });
    await this.#describe("m2 reads u");
    await this.#list("with members");
  }

  async #offsets(): Promise<void> {
    const epoch = this.#epoch("m2");
    await this.#commit("of a member", "m2", epoch);
    await this.#commit("of a member, ahead", "m2", epoch + 1);
    await this.#commit("of a member, behind, of a partition it has had", "m2", epoch - 1);
    await this.#commit("of a member, behind, of a partition it has not", "m2", 0);
    await this.#commit("of a stranger", "x", epoch);
    await this.#commit("of nobody", "", -1);
    await this.#commit("of a member, v8", "m2", epoch, 8);
    await this.#commit("of a member, v2", "m2", epoch, 2);
    await this.#fetch("of nobody", null, -1);
    await this.#fetch("of a member", "m2", epoch);
    await this.#fetch("of a member, behind", "m2", epoch - 1);
    await this.#fetch("of a stranger", "x", epoch);
    const old = { groupId: this.group, topics: [{ name: "t", partitionIndexes: [0] }], groups: [] };
    const { errorCode, topics } = await this.client.request(offsetFetch, 7, old);
    this.#note("fetch v7", [errorCode, topics[0]?.partitions[0]?.errorCode]);
  }

  async #statics(): Promise<void> {
    const instanceId = "i";
    await this.#beat("s1 joins", { ...this.#all("s1", ["t"]), memberEpoch: 0, topicPartitions: [], instanceId });
    const late = { ...this.#all("s2", ["t"]), memberEpoch: 0, topicPartitions: [], instanceId };
    await this.#beat("s2 takes the instance of s1", late);
    await this.#beat("s1 without its instance", { memberId: "s1", memberEpoch: this.#epoch("s1") });
    await this.#beat("an unknown instance", { memberId: "s1", memberEpoch: 1, instanceId: "j" });
    await this.#beat("s1 joins again", { ...this.#all("s1", ["t"]), memberEpoch: 0, topicPartitions: [], instanceId });
    await this.#beat("s1 leaves for a while", { memberId: "s1", memberEpoch: -2, instanceId });
    await this.#beat("s1 leaves for a while again", { memberId: "s1", memberEpoch: -2, instanceId });
    await this.#beat("s1 after it has left", { memberId: "s1", memberEpoch: this.#epoch("s1"), instanceId });
    await this.#beat("s2 takes the instance that is free", late);
    await this.#beat("s1 after s2", { memberId: "s1", memberEpoch: 1, instanceId });
    await this.#beat("s1 leaves after s2", { memberId: "s1", memberEpoch: -1, instanceId });
  }

  async #admins(): Promise<void> {
    const { results } = await this.client.request(deleteGroups, 2, { groupsNames: [this.group] });
    this.#note("delete with members", results[0]?.errorCode);
    const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
    const deleted = await this.client.request(offsetDelete, 0, { groupId: this.group, topics });
    this.#note("delete offsets", [deleted.errorCode, deleted.topics[0]?.partitions[0]?.errorCode]);
    for (const version of [5, 6]) {
      const { groups } = await this.client.request(describeGroups, version, { groups: [this.group] });
      const { errorCode, errorMessage, groupState } = groups[0]!;
      this.#note(`DescribeGroups v${version}`, [errorCode, this.#masked(errorMessage), groupState]);
    }
    const identity = { groupId: this.group, memberId: "m2", generationId: this.#epoch("m2") };
    this.#note("a classic heartbeat", (await this.client.request(heartbeat, 4, identity)).errorCode);
    this.#note("a classic join", (await this.#classicJoin("")).errorCode);
    for (const members of [
      [{ memberId: "m2", groupInstanceId: null }],
      [{ memberId: "", groupInstanceId: "j" }],
      [{ memberId: "", groupInstanceId: "i" }],
    ]) {
      const left = await this.client.request(leaveGroup, 5, { groupId: this.group, memberId: "", members });
      const { memberId, groupInstanceId } = members[0]!;
      this.#note(`LeaveGroup of ${memberId || groupInstanceId}`, [left.errorCode, left.members[0]?.errorCode]);
    }
    await this.#beat("s2 after an administrator has removed it", {
      memberId: "s2",
      memberEpoch: this.#epoch("s2"),
      instanceId: "i",
    });
  }

  async #topics(): Promise<void> {
    await this.#beat("m1 leaves", { memberId: "m1", memberEpoch: -1 });
    await this.#beat("m2 leaves", { memberId: "m2", memberEpoch: -1 });
    await this.#list("without members");
    await this.#describe("without members");
    await this.#join("m3", ["u"]);
    await this.client.request(createPartitions, 3, {
      topics: [{ name: "u", count: 3, assignments: null }],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    await this.#until("m3 gets a new partition", "m3", ({ assignment }) => assignment !== null);
    await this.#beat("m3 leaves", { memberId: "m3", memberEpoch: -1 });
  }

  async #regexes(): Promise<void> {
    const all = { memberId: "m4", rebalanceTimeoutMs: 60_000, memberEpoch: 0, topicPartitions: [] };
    const request = { ...all, groupId: this.group, subscribedTopicNames: [], subscribedTopicRegex: "[tu]" };
    const { errorCode, memberEpoch } = await this.client.request(consumerGroupHeartbeat, 1, request);
    this.#epochs.set("m4", memberEpoch);
    this.#note("m4 joins with an expression", errorCode);
    // Apache Kafka matches the topics after its answer.
    const isAssigned = async () => {
      const { groups } = await this.client.request(consumerGroupDescribe, 1, {
        groupIds: [this.group],
        includeAuthorizedOperations: false,
      });
      return groups[0]!.members[0]!.targetAssignment.topicPartitions.length > 0;
    };
    while (!(await isAssigned())) await this.#again("m4");
    const { groups } = await this.client.request(consumerGroupDescribe, 1, {
      groupIds: [this.group],
      includeAuthorizedOperations: false,
    });
    const { subscribedTopicRegex, targetAssignment } = groups[0]!.members[0]!;
    this.#note("m4 is assigned", [subscribedTopicRegex, this.#shown(targetAssignment)]);
    await this.#beat("m4 leaves", { memberId: "m4", memberEpoch: -1 });
  }

  async #conversions(): Promise<void> {
    const { errorCode, memberId } = await this.#classicJoin("");
    this.#note("a classic join of an empty group", errorCode);
    const joined = await this.#classicJoin(memberId);
    this.#note("a classic member", [joined.errorCode, joined.generationId]);
    await this.#list("as a classic group");
    await this.#describe("as a classic group");
    await this.#beat("a consumer joins a classic group", {
      ...this.#all("m5", ["t"]),
      memberEpoch: 0,
      topicPartitions: [],
    });
    await this.#fetch("of nobody, in a classic group", null, -1);
    const members = [{ memberId, groupInstanceId: null }];
    await this.client.request(leaveGroup, 5, { groupId: this.group, memberId: "", members });
    await this.#join("m5", ["t"]);
    await this.#list("as a consumer group again");
    await this.#beat("m5 leaves", { memberId: "m5", memberEpoch: -1 });
    const { results } = await this.client.request(deleteGroups, 2, { groupsNames: [this.group] });
    this.#note("delete without members", results[0]?.errorCode);
    await this.#describe("deleted");
    await this.#list("deleted");
  }

  /** Resolves once the groups are served: Apache Kafka first makes their topic. */
  async #coordinator(): Promise<void> {
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

  #classicJoin(memberId: string) {
    return this.client.request(joinGroup, 9, {
      groupId: this.group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.from("000000000001000174ffffffff", "hex") }],
    });
  }

  async #topic(name: string, numPartitions: number): Promise<void> {
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
    await this.client.request(createTopics, 5, { topics, timeoutMs: 10_000, validateOnly: false });
    for (;;) {
      const { topics: found } = await this.client.request(metadata, 12, {
        topics: [{ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
        allowAutoTopicCreation: false,
      });
      this.#ids.set(name, found[0]!.topicId);
      if (found[0]!.partitions.length === numPartitions) return;
    }
  }

  #all(memberId: string, subscribedTopicNames: readonly string[]): Beat {
    return { memberId, memberEpoch: this.#epoch(memberId), rebalanceTimeoutMs: 60_000, subscribedTopicNames };
  }

  #join(memberId: string, names: readonly string[]): Promise<void> {
    return this.#beat(`${memberId} joins`, { ...this.#all(memberId, names), memberEpoch: 0, topicPartitions: [] });
  }

  async #beat(label: string, beat: Beat, version = 1): Promise<void> {
    const request = { groupId: this.group, memberId: "", memberEpoch: 0, ...beat };
    const answer = await this.client.request(consumerGroupHeartbeat, version, request);
    const { errorCode, errorMessage, memberId, memberEpoch, heartbeatIntervalMs } = answer;
    if (errorCode === 0 && memberEpoch > 0) this.#epochs.set(memberId!, memberEpoch);
    const shown = this.#shown(answer.assignment);
    if (label === "m1 is asked for two") this.#kept = answer.assignment?.topicPartitions[0]?.partitions ?? [];
    const told =
      errorCode === 0 ? [memberId, memberEpoch, heartbeatIntervalMs, shown] : [errorCode, this.#masked(errorMessage)];
    this.#note(label, told);
  }

  /** What m1 keeps of t: either half will do. */
  #kept: readonly number[] = [];

  async #until(
    label: string,
    memberId: string,
    isDone: (answer: ResponseOf<typeof consumerGroupHeartbeat>) => boolean,
  ): Promise<void> {
    for (;;) {
      const answer = await this.#again(memberId);
      if (!isDone(answer)) continue;
      this.#note(label, this.#shown(answer.assignment));
      return;
    }
  }

  async #again(memberId: string): Promise<ResponseOf<typeof consumerGroupHeartbeat>> {
    const request = { groupId: this.group, memberId, memberEpoch: this.#epoch(memberId) };
    const answer = await this.client.request(consumerGroupHeartbeat, 1, request);
    this.#epochs.set(memberId, answer.memberEpoch);
    return answer;
  }

  async #describe(label: string): Promise<void> {
    const request = { groupIds: [this.group], includeAuthorizedOperations: true };
    const { groups } = await this.client.request(consumerGroupDescribe, 1, request);
    const { errorCode, errorMessage, groupState, groupEpoch, assignmentEpoch, assignorName, members, ...rest } =
      groups[0]!;
    const shown = [...members]
      .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
      .map((member) => {
        const { memberId, instanceId, memberEpoch, subscribedTopicNames, subscribedTopicRegex, memberType } = member;
        const has = this.#shown(member.assignment);
        const target = this.#shown(member.targetAssignment);
        const names = [...subscribedTopicNames].sort();
        return [memberId, instanceId, memberEpoch, names, subscribedTopicRegex, memberType, has, target];
      });
    const operations = rest.authorizedOperations;
    const state = [groupState, groupEpoch, assignmentEpoch, assignorName, operations];
    this.#note(`describe: ${label}`, errorCode === 0 ? [...state, ...shown] : [errorCode, this.#masked(errorMessage)]);
  }

  async #list(label: string): Promise<void> {
    const shown = async (statesFilter: string[], typesFilter: string[]) => {
      const { groups } = await this.client.request(listGroups, 5, { statesFilter, typesFilter });
      const ours = groups.find(({ groupId }) => groupId === this.group);
      return ours && [ours.protocolType, ours.groupState, ours.groupType];
    };
    const all = [
      await shown([], []),
      await shown([], ["Consumer"]),
      await shown([], ["classic"]),
      await shown(["empty"], []),
    ];
    this.#note(`list: ${label}`, all);
  }

  async #commit(label: string, memberId: string, generationIdOrMemberEpoch: number, version = 9): Promise<void> {
    const partitions = [{ partitionIndex: this.#ofM2, committedOffset: 3, committedMetadata: "" }];
    const topics = [{ name: "t", partitions }];
    const request = { groupId: this.group, memberId, generationIdOrMemberEpoch, topics };
    const answer = await this.client.request(offsetCommit, version, request);
    this.#note(`commit ${label}`, answer.topics[0]?.partitions[0]?.errorCode);
  }

  /** A partition of t that m2 has had since its second heartbeat. */
  get #ofM2(): number {
    return [0, 1, 2, 3].find((partition) => !this.#kept.includes(partition))!;
  }

  async #fetch(label: string, memberId: string | null, memberEpoch: number): Promise<void> {
    const topics = [{ name: "t", partitionIndexes: [this.#ofM2] }];
    const groups = [{ groupId: this.group, memberId, memberEpoch, topics }];
    const { groups: answered } = await this.client.request(offsetFetch, 9, { groups });
    const { errorCode, topics: found } = answered[0]!;
    this.#note(`fetch ${label}`, [errorCode, found[0]?.partitions[0]?.committedOffset]);
  }

  #owned(topic: string, partitions: readonly number[]) {
    return [{ topicId: this.#ids.get(topic)!, partitions }];
  }

  #epoch(memberId: string): number {
    return this.#epochs.get(memberId) ?? 0;
  }

  /** How many partitions of which topics: which ones is up to the assignor. */
  #shown(assignment: Assignment): string | null {
    if (!assignment) return null;
    const counts = assignment.topicPartitions.map(({ topicId, partitions }) => {
      const name = [...this.#ids].find(([, id]) => id === topicId)?.[0];
      return `${name}:${partitions.length}`;
    });
    return counts.sort().join();
  }

  #masked(text: string | null): string | null {
    return text?.replaceAll(this.group, "GROUP") ?? null;
  }

  #note(label: string, answer: unknown): void {
    this.#answers[label] = answer;
  }
}
