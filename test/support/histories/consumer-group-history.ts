import { SeededRandom } from "../../../src/base/random.js";
import { listed, topicPartitions } from "../../../src/broker/groups/consumer/assignment/topic-partitions.js";
import { ConsumerGroup } from "../../../src/broker/groups/consumer/consumer-group.js";
import {
  type HeartbeatAnswer,
  type HeartbeatCommand,
  heartbeatRefusal,
} from "../../../src/broker/groups/consumer/consumer-heartbeat.js";
import { JOIN_EPOCH, LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from "../../../src/broker/groups/consumer/consumer-member.js";
import {
  type ConsumerRecord,
  decodeConsumerRecord,
  encodeConsumerRecord,
} from "../../../src/broker/groups/consumer/consumer-records.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { TestTopics } from "../test-topics.js";

const GROUP = "g";
const NAMES = ["a", "b", "b2", "c"] as const;
const SUBSCRIPTIONS = [["a"], ["a", "b"], ["a", "b", "c"], ["c"], []] as const;
const REGEXES = ["b.*", "a|c", "[^c]+", "nothing"] as const;
const SETTINGS = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, maxSize: 6, downgradeMaxSize: 0 };
const REBALANCE_TIMEOUT_MS = 60_000;
const STEPS = 150;
/** Folding all records again takes most of the time. */
const STEPS_PER_REPLAY = 15;
const ROUNDS_TO_REST = 30;

/** Faults of the group, or of its clients, that a history must find. */
export type PlantedFault = "a record is lost" | "a member keeps what it has given up";

/** A consumer as KIP-848 has it. */
interface Client {
  memberId: string;
  readonly instanceId: string | null;
  epoch: number;
  /** What it reads. */
  readonly owned: Set<string>;
  /** What it has been assigned. */
  assigned: Set<string>;
  names: readonly string[];
  regex: string | null;
  /** Its last heartbeat may not have arrived: it says everything with the next one. */
  saysAll: boolean;
  /** What it last said that it has. */
  said: string;
  isSilent: boolean;
}

/**
 * Runs a seeded history of one group: members join, leave, fall silent and come back, requests, answers and writes are
 * lost, topics come, grow and go, and the broker starts again from its compacted records. Checked after each step: no
 * partition is with two members, and epochs never fall; now and then: the records make the same group. In the end everything comes to rest.
 *
 * @throws Error naming the rule that was broken.
 */
export function runConsumerGroupHistory(seed: number, planted?: PlantedFault): void {
  const world = new World(seed, planted);
  for (let step = 0; step < STEPS; step++) {
    world.step();
    world.check();
    if (step % STEPS_PER_REPLAY === 0) world.checkReplay();
  }
  world.checkReplay();
  world.rest();
}

class World {
  readonly #random: SeededRandom;
  readonly #topics = new TestTopics(["a", 4], ["b", 3]);
  readonly #clients: Client[] = [];
  readonly #log: ConsumerRecord[] = [];
  #group = this.#empty();
  #nowMs = 0;
  #made = 0;
  /** The highest epochs seen: of the group, its targets and each member. */
  #epochs = new Map<string, number>();

  constructor(
    seed: number,
    private readonly planted: PlantedFault | undefined,
  ) {
    this.#random = new SeededRandom(seed);
  }

  step(): void {
    const roll = this.#random.next();
    const client = this.#pick(this.#clients);
    if (!client || (roll < 0.08 && this.#clients.length < SETTINGS.maxSize + 1)) this.#add();
    else if (roll < 0.7) this.#heartbeat(client);
    else if (roll < 0.74) this.#leave(client);
    else if (roll < 0.77) client.isSilent = !client.isSilent;
    else if (roll < 0.79) forget(client);
    else if (roll < 0.82) this.#subscribe(client);
    else if (roll < 0.87) this.#changeTopics();
    else if (roll < 0.91) this.#restart();
    else this.#pass(this.#random.integer(20_000));
  }

  /** All members send heartbeats, and nothing is lost any more. */
  rest(): void {
    const subscription = this.#random.next() < 0.5 ? this.#pick(SUBSCRIPTIONS) : undefined;
    for (const client of this.#clients) {
      client.isSilent = false;
      if (subscription) Object.assign(client, { names: subscription, regex: "", saysAll: true });
    }
    for (let round = 0; round < ROUNDS_TO_REST; round++) {
      this.#pass(SETTINGS.heartbeatIntervalMs);
      for (const client of this.#clients) {
        this.#send(client, "nothing lost");
        this.check();
      }
    }
    const members = this.#clients.filter(({ memberId }) => this.#group.state.members.has(memberId));
    const { size } = this.#group.state.members;
    if (members.length !== size) throw new Error(`${size} members, of which ${members.length} are there`);
    if (size > 0 && this.#group.phase !== "Stable") throw new Error(`it rests in ${this.#group.phase}`);
    const isSubscribed = (name: string) => members.some((client) => this.#subscribed(client).has(name));
    const wanted = NAMES.flatMap((name) => (isSubscribed(name) ? this.#partitionsOf(name) : []));
    const owned = members.flatMap((client) => [...client.owned]);
    if (owned.sort().join() !== wanted.sort().join()) throw new Error(`shared out: ${owned}; there are: ${wanted}`);
    for (const client of members) this.#checkShare(client, members);
  }

  #checkShare(client: Client, members: readonly Client[]): void {
    const target = partitionsIn(listed(this.#group.state.target(client.memberId)));
    if (target.sort().join() !== [...client.owned].sort().join())
      throw new Error(`${client.memberId} is not at its target`);
    const sameTopics = members.every((each) => setOf(this.#subscribed(each)) === setOf(this.#subscribed(client)));
    const most = Math.max(...members.map(({ owned }) => owned.size));
    if (sameTopics && this.#group.assignor === "uniform" && most - client.owned.size > 1) {
      throw new Error(`${client.memberId} has ${client.owned.size} partitions and another one ${most}`);
    }
  }

  check(): void {
    const { state } = this.#group;
    const holders = new Map<string, string>();
    for (const { memberId, owned } of this.#clients) {
      // One that has been removed learns of it with its next heartbeat.
      if (!state.members.has(memberId)) continue;
      const { assigned, pendingRevocation } = state.current(memberId);
      const has = new Set([...partitionsIn(listed(assigned)), ...partitionsIn(listed(pendingRevocation))]);
      for (const partition of owned) {
        const other = holders.get(partition);
        if (other !== undefined) throw new Error(`${partition} is read by ${other} and ${memberId}`);
        holders.set(partition, memberId);
        if (!has.has(partition)) throw new Error(`${memberId} reads ${partition}, which it does not have`);
      }
    }
    const owners = new Map<string, string>();
    for (const memberId of state.members.keys()) {
      const { assigned, pendingRevocation } = state.current(memberId);
      for (const partition of [...partitionsIn(listed(assigned)), ...partitionsIn(listed(pendingRevocation))]) {
        if (owners.has(partition)) throw new Error(`${partition} is with ${owners.get(partition)} and ${memberId}`);
        owners.set(partition, memberId);
      }
    }
    this.#checkEpochs();
  }

  checkReplay(): void {
    const live = recordsOf(this.#group);
    for (const log of [this.#log, compacted(this.#log)]) {
      if (recordsOf(this.#replayed(log)) !== live) throw new Error("the records make another group");
    }
  }

  #checkEpochs(): void {
    const { state } = this.#group;
    const epochs = new Map([["group", state.epoch]]);
    epochs.set("targets", state.targetEpoch);
    for (const memberId of state.members.keys()) {
      const { memberEpoch } = state.current(memberId);
      // A static member that is away has none.
      epochs.set(`member ${memberId}`, memberEpoch === STATIC_LEAVE_EPOCH ? 0 : memberEpoch);
    }
    for (const [of, epoch] of epochs) {
      const before = this.#epochs.get(of) ?? 0;
      if (epoch !== 0 && epoch < before) throw new Error(`the epoch of the ${of} falls from ${before} to ${epoch}`);
    }
    if (state.targetEpoch > state.epoch) throw new Error("the targets are ahead of the group");
    this.#epochs = epochs;
  }

  #add(): void {
    const isStatic = this.#random.next() < 0.3;
    const client: Client = {
      memberId: `m${this.#made++}`,
      instanceId: isStatic ? `i${this.#random.integer(3)}` : null,
      epoch: JOIN_EPOCH,
      owned: new Set(),
      assigned: new Set(),
      names: [],
      regex: null,
      saysAll: true,
      said: "",
      isSilent: false,
    };
    this.#clients.push(client);
    this.#subscribe(client);
    this.#heartbeat(client);
  }

  #subscribe(client: Client): void {
    const usesRegex = this.#random.next() < 0.3;
    client.names = usesRegex ? [] : this.#pick(SUBSCRIPTIONS)!;
    client.regex = usesRegex ? this.#pick(REGEXES)! : "";
    client.saysAll = true;
  }

  #heartbeat(client: Client): void {
    if (client.isSilent) return;
    const roll = this.#random.next();
    this.#send(
      client,
      roll < 0.06 ? "request lost" : roll < 0.14 ? "answer lost" : roll < 0.2 ? "write fails" : "nothing lost",
    );
  }

  /** Sends a heartbeat and carries out its answer. */
  #send(client: Client, loss: "nothing lost" | "request lost" | "answer lost" | "write fails"): void {
    const owned = [...client.owned].sort().join();
    const saysAll = client.saysAll || client.epoch === JOIN_EPOCH;
    const saysOwned = saysAll || owned !== client.said;
    client.saysAll = true;
    if (loss === "request lost") return;
    const answer = this.#serve(
      {
        ...this.#commandOf(client),
        rebalanceTimeoutMs: saysAll ? REBALANCE_TIMEOUT_MS : -1,
        subscribedTopicNames: saysAll ? client.names : null,
        subscribedTopicRegex: saysAll ? client.regex : null,
        owned: saysOwned ? topicPartitions(listOf(client.owned)) : undefined,
      },
      loss === "write fails",
    );
    if (loss !== "nothing lost") return;
    client.said = owned;
    this.#obey(client, answer);
  }

  #obey(client: Client, answer: HeartbeatAnswer): void {
    switch (answer.errorCode) {
      case ErrorCodes.NONE:
        client.epoch = answer.memberEpoch;
        client.saysAll = false;
        if (answer.assignment) client.assigned = new Set(partitionsIn(answer.assignment));
        break;
      case ErrorCodes.FENCED_MEMBER_EPOCH:
      case ErrorCodes.UNKNOWN_MEMBER_ID:
        forget(client);
        return;
      case ErrorCodes.GROUP_MAX_SIZE_REACHED:
      case ErrorCodes.UNRELEASED_INSTANCE_ID:
      case ErrorCodes.FENCED_INSTANCE_ID:
        this.#clients.splice(this.#clients.indexOf(client), 1);
        return;
      default:
        throw new Error(`a heartbeat is answered with ${answer.errorCode}: ${answer.errorMessage}`);
    }
    // First it gives up; some time later it takes what it gets.
    const surplus = [...client.owned].filter((each) => !client.assigned.has(each));
    if (surplus.length > 0 && this.planted !== "a member keeps what it has given up") {
      for (const each of surplus) client.owned.delete(each);
      return;
    }
    if (surplus.length > 0) client.said = "";
    for (const each of client.assigned) client.owned.add(each);
  }

  #leave(client: Client): void {
    const { instanceId } = client;
    const comesBack = instanceId !== null && this.#random.next() < 0.6;
    const memberEpoch = comesBack ? STATIC_LEAVE_EPOCH : LEAVE_EPOCH;
    this.#serve({ ...this.#commandOf(client), memberEpoch }, this.#random.next() < 0.1);
    client.owned.clear();
    client.assigned.clear();
    if (comesBack) Object.assign(client, { memberId: `m${this.#made++}`, epoch: JOIN_EPOCH, saysAll: true });
    else this.#clients.splice(this.#clients.indexOf(client), 1);
  }

  #commandOf({ memberId, epoch, instanceId }: Client): HeartbeatCommand {
    return {
      memberId,
      memberEpoch: epoch,
      instanceId,
      rackId: null,
      clientId: "client",
      clientHost: "/127.0.0.1",
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      owned: undefined,
      mayMatch: () => true,
    };
  }

  /** As the coordinator does. */
  #serve(command: HeartbeatCommand, writeFails: boolean): HeartbeatAnswer {
    const group = this.#group;
    const refusal = heartbeatRefusal(GROUP, command, true);
    if (refusal) throw new Error(`a heartbeat is refused: ${refusal.errorMessage}`);
    const answer = command.memberEpoch < 0 ? group.leave(command) : group.heartbeat(command, this.#topics, this.#nowMs);
    this.#write(writeFails);
    return answer;
  }

  #write(fails: boolean): void {
    const group = this.#group;
    if (fails) {
      group.revert();
      return;
    }
    // Through Kafka's format.
    for (const record of group.changes) {
      const { key, value } = encodeConsumerRecord(record);
      this.#log.push(decodeConsumerRecord(key, value)!);
    }
    if (this.planted === "a record is lost" && this.#random.next() < 0.05) this.#log.pop();
    group.accept();
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    while (this.#group.nextDeadlineMs() <= this.#nowMs) {
      this.#group.tick(this.#nowMs);
      this.#write(this.#random.next() < 0.1);
    }
  }

  #changeTopics(): void {
    const name = this.#pick(NAMES)!;
    const topic = this.#topics.get(name);
    if (!topic) this.#topics.create(name, 1 + this.#random.integer(5));
    else if (this.#random.next() < 0.5) this.#topics.delete(name);
    else this.#topics.addPartitions(name, topic.partitions + 1 + this.#random.integer(2));
  }

  #restart(): void {
    const isCompacted = this.#random.next() < 0.5;
    if (isCompacted) this.#log.splice(0, Number.POSITIVE_INFINITY, ...compacted(this.#log));
    this.#group = this.#replayed(this.#log);
    this.#group.begin(this.#nowMs);
  }

  #replayed(log: readonly ConsumerRecord[]): ConsumerGroup {
    const group = this.#empty();
    for (const record of log) group.replay(record);
    return group;
  }

  #empty(): ConsumerGroup {
    return new ConsumerGroup(GROUP, () => SETTINGS);
  }

  #subscribed({ names, regex }: Client): Set<string> {
    const matching = regex ? NAMES.filter((name) => new RegExp(`^(${regex})$`).test(name)) : [];
    return new Set([...names, ...matching].filter((name) => this.#topics.get(name)));
  }

  #partitionsOf(name: string): string[] {
    const { id, partitions } = this.#topics.get(name)!;
    return Array.from({ length: partitions }, (_, partition) => `${id} ${partition}`);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#random.integer(Math.max(1, from.length))];
  }
}

/** It begins again: it gives up everything, and joins with its next heartbeat. */
function forget(client: Client): void {
  client.epoch = JOIN_EPOCH;
  client.owned.clear();
  client.assigned.clear();
}

function partitionsIn(
  assignment: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
): string[] {
  return assignment.flatMap(({ topicId, partitions }) => partitions.map((partition) => `${topicId} ${partition}`));
}

function listOf(partitions: ReadonlySet<string>) {
  return [...partitions].map((each) => {
    const [topicId, partition] = each.split(" ") as [string, string];
    return { topicId, partitions: [Number(partition)] };
  });
}

function setOf(names: ReadonlySet<string>): string {
  return [...names].sort().join();
}

/** The group as text. */
function recordsOf(group: ConsumerGroup): string {
  return group.state.records().map(textOf).sort().join("\n");
}

function textOf(record: ConsumerRecord): string {
  return JSON.stringify(record, (_, value: unknown) => {
    if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return value instanceof Set ? [...value].sort() : value;
  });
}

/** The last record of each key, without those that delete. */
function compacted(log: readonly ConsumerRecord[]): ConsumerRecord[] {
  const last = new Map<string, ConsumerRecord>();
  for (const record of log) {
    const key = encodeConsumerRecord(record).key.toString("hex");
    last.delete(key);
    last.set(key, record);
  }
  return [...last.values()].filter(({ value }) => value !== null);
}
