import { SimClock } from "../../src/base/clock.js";
import { type LogFields, silentLogger } from "../../src/base/logger.js";
import { SeededRandom } from "../../src/base/random.js";
import { BrokerProperties } from "../../src/broker/broker-properties.js";
import type { Join } from "../../src/broker/groups/classic-groups.js";
import { topicPartitions } from "../../src/broker/groups/consumer/assignment/topic-partitions.js";
import type { HeartbeatAnswer, HeartbeatCommand } from "../../src/broker/groups/consumer/consumer-heartbeat.js";
import { GroupCoordinator } from "../../src/broker/groups/group-coordinator.js";
import { GroupLog } from "../../src/broker/groups/group-log.js";
import { decodeAssignment, encodeAssignment, encodeSubscription } from "../../src/protocol/consumer-protocol.js";
import { ErrorCodes } from "../../src/protocol/error-codes.js";
import { openTestLog } from "./broker-log.js";
import { MemoryDisk } from "./memory-disk.js";
import { TestTopics } from "./test-topics.js";

const FOLDER = "/data/o-0";

/** A coordinator over a log on a disk; `restart` starts another one after a power cut. */
export class CoordinatorWorld {
  readonly topics = new TestTopics(["t", 4], ["u", 2]);
  readonly disk = new MemoryDisk(new SeededRandom(1));
  readonly errors: LogFields[] = [];
  clock = new SimClock();
  groups: GroupCoordinator;

  /** @param configs settings of the group. @param properties settings of the broker. */
  constructor(
    private readonly configs: Readonly<Record<string, string>> = {},
    private readonly properties: Readonly<Record<string, string>> = {},
  ) {
    this.disk.makeFolder(FOLDER);
    this.disk.syncFolder("/");
    this.groups = this.#start();
  }

  async restart(): Promise<void> {
    await this.groups.settled("g");
    this.groups.close();
    this.disk.restart();
    this.clock = new SimClock(this.clock.nowMs());
    this.groups = this.#start();
  }

  #start(): GroupCoordinator {
    const log = openTestLog(FOLDER, { disk: this.disk, configs: { "flush.messages": "1" } });
    const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void this.errors.push(fields) };
    const groupLog = new GroupLog(() => [log], logger);
    const properties = new BrokerProperties(this.properties);
    const random = new SeededRandom(1);
    const configsOf = (group: string) => (group === "g" ? this.configs : {});
    const groups = new GroupCoordinator(groupLog, properties, this.clock, random, logger, this.topics, configsOf);
    groups.load();
    return groups;
  }

  beat(memberId: string, memberEpoch: number, command: Partial<HeartbeatCommand> = {}): HeartbeatAnswer {
    const nothing = { instanceId: null, rackId: null, subscribedTopicNames: null, subscribedTopicRegex: null };
    const client = { clientId: "c", clientHost: "/127.0.0.1", serverAssignor: null, mayMatch: () => true };
    const rest = { ...nothing, ...client, rebalanceTimeoutMs: -1, owned: undefined };
    return this.groups.consumerHeartbeat("g", { memberId, memberEpoch, ...rest, ...command }, true);
  }

  join(memberId: string, command: Partial<HeartbeatCommand> = {}): HeartbeatAnswer {
    const all = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["t"], owned: new Map() };
    return this.beat(memberId, 0, { ...all, ...command });
  }

  owned(topic: string, ...partitions: number[]) {
    return topicPartitions([{ topicId: this.topics.get(topic)!.id, partitions }]);
  }

  /** A JoinGroup with an id of its own; it need not be answered yet when this returns. */
  joinGroup(command: Partial<Join> & { readonly owned?: readonly number[]; readonly names?: readonly string[] } = {}) {
    const { owned = [], names = ["t"], ...others } = command;
    const ownedPartitions = [{ topic: "t", partitions: [...owned] }];
    const metadata = encodeSubscription(1, { topics: [...names], userData: null, ownedPartitions });
    return this.groups.join("g", {
      memberId: "",
      instanceId: null,
      clientId: "c",
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata }],
      asksForMemberId: false,
      canSkipAssignment: false,
      ...others,
    });
  }

  async joinClassic() {
    const joined = this.joinGroup();
    await this.clock.settled();
    return joined;
  }

  /** A SyncGroup. Resolves with the error code, or what the member is assigned of t. */
  async sync(memberId: string, generationId: number, given: Readonly<Record<string, readonly number[]>> = {}) {
    const assignments = Object.entries(given).map(([to, partitions]) => {
      const assignedPartitions = [{ topic: "t", partitions: [...partitions] }];
      return { memberId: to, assignment: encodeAssignment(1, { assignedPartitions, userData: null }) };
    });
    const command = { memberId, instanceId: null, generationId, protocolType: null, protocolName: null, assignments };
    const { errorCode, assignment } = await this.groups.sync("g", command);
    if (errorCode !== ErrorCodes.NONE) return errorCode;
    return decodeAssignment(assignment).assignedPartitions.find(({ topic }) => topic === "t")?.partitions ?? [];
  }

  heartbeat(memberId: string, generationId: number): number {
    return this.groups.heartbeat("g", { memberId, instanceId: null }, generationId);
  }

  commit(memberId: string, generationId: number, partition: number, isTransactional = false): number {
    const value = {
      offset: 7,
      leaderEpoch: -1,
      metadata: "",
      commitTimestamp: this.clock.nowMs(),
      expireTimestamp: -1,
    };
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: -1, isTransactional: true };
    const command = {
      ...{ groupId: "g", memberId, instanceId: null, generationId, offsets: [{ topic: "t", partition, ...value }] },
      ...(isTransactional ? { producer } : { knowsEpochs: true }),
    };
    return this.groups.commit(command, ErrorCodes.GROUP_ID_NOT_FOUND);
  }

  get list() {
    return this.groups.list().map(({ type, state }) => [type, state]);
  }
}

/** The partitions of an answer, of all topics; undefined: it says nothing of them. */
export function partitionsOf({ assignment }: HeartbeatAnswer): readonly number[] | undefined {
  return assignment?.flatMap(({ partitions }) => partitions);
}
