import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { BrokerProperties } from "../../../src/broker/broker-properties.js";
import { GroupCoordinator } from "../../../src/broker/groups/group-coordinator.js";
import { GroupLog } from "../../../src/broker/groups/group-log.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import { openServedLog } from "../broker-log.js";
import { MemoryDisk } from "../memory-disk.js";
import { TestTopics } from "../test-topics.js";
import { ENDS, endLife, FAULTS, folderOrderOf, openLife } from "./disk-life.js";
import { ClassicClient, ConsumerClient, GROUP, type MigratingClient, TOPIC } from "./migrating-client.js";

/** Faults of the groups, or of their clients, that a history must find. */
export type PlantedFault = "an upgrade loses assignments" | "a member keeps what it must give up";

const FOLDER = "/data/__consumer_offsets-0";
const MOST_CLIENTS = 5;
const STEPS = 120;
const ROUNDS_TO_REST = 40;

/** The coordinator and its log in one life of the broker. */
class Life {
  readonly groups: GroupCoordinator;

  constructor(
    private readonly log: PartitionLog,
    history: History,
  ) {
    const groupLog = new GroupLog(() => [log], silentLogger);
    if (history.planted === "an upgrade loses assignments") {
      const write = groupLog.write.bind(groupLog);
      groupLog.write = (group, records, ...rest) => {
        const isUpgrade = records.some(({ kind, value }) => kind === "group" && value === null);
        return write(group, isUpgrade ? records.filter(({ kind }) => kind !== "current") : records, ...rest);
      };
    }
    const { clock, random, topics } = history;
    this.groups = new GroupCoordinator(groupLog, new BrokerProperties({}), clock, random, silentLogger, topics);
    this.groups.load();
  }

  abandon(): void {
    this.groups.close();
    this.log.abandon();
  }

  async close(): Promise<void> {
    this.groups.close();
    await this.log.close();
  }
}

/**
 * Runs a history of one group, drawn from `seed`, on a disk that cuts the power, fails and fills up at any call: consumers of both
 * protocols join, leave, fall silent and change their protocol, static ones too, and the broker ends and starts again.
 * After each step no partition has two readers that are members; in the end each partition has one.
 *
 * @throws an error that names the seed.
 */
export async function runMigrationHistory(seed: number, planted?: PlantedFault): Promise<void> {
  try {
    await new History(seed, planted).run();
  } catch (cause) {
    throw new Error(`The migration history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

class History {
  readonly random: SeededRandom;
  readonly clock = new SimClock();
  readonly topics = new TestTopics([TOPIC, 4]);
  readonly #disk: MemoryDisk;
  readonly #isCooperative: boolean;
  #clients: MigratingClient[] = [];
  #made = 0;
  #failures: unknown[] = [];

  constructor(
    seed: number,
    readonly planted: PlantedFault | undefined,
  ) {
    this.random = new SeededRandom(seed);
    this.#disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
    this.#isCooperative = this.random.next() < 0.5;
  }

  async run(): Promise<void> {
    const { random, clock } = this;
    this.#disk.makeFolder(FOLDER);
    this.#disk.syncFolder("/");
    this.#disk.syncFolder("/data");
    const lives = 1 + random.integer(4);
    for (let at = 0; at <= lives; ) {
      const isLast = at === lives;
      const isFaulty = !isLast && random.integer(2) === 0;
      if (isFaulty)
        this.#disk.fault = { at: this.#disk.calls + 1 + random.integer(60), kind: FAULTS[random.integer(4)]! };
      const life = await openLife(this.#disk, () => this.#open(at));
      if (!life) continue;
      at++;
      for (let step = STEPS / lives; step > 0 && !this.#disk.isCut; step--) await this.#step(life);
      if (isLast) await this.#rest(life);
      for (const client of this.#clients) client.lose();
      await endLife(this.#disk, life, ENDS[random.integer(ENDS.length)]!);
      await clock.settled();
      if (this.#failures.length > 0) throw this.#failures[0];
    }
  }

  async #open(leaderEpoch: number): Promise<Life> {
    const { clock } = this;
    const configs = { "flush.messages": "1" };
    return new Life(await openServedLog(FOLDER, { disk: this.#disk, configs, clock, leaderEpoch }), this);
  }

  async #step({ groups }: Life): Promise<void> {
    const { random } = this;
    const roll = random.next();
    const client = this.#clients[random.integer(Math.max(1, this.#clients.length))];
    if (!client || (roll < 0.08 && this.#clients.length < MOST_CLIENTS)) this.#add(this.#instance());
    else if (roll < 0.72) this.#send(client, groups);
    else if (roll < 0.76) client.leave(groups, false);
    else if (roll < 0.82) this.#change(client, groups);
    else if (roll < 0.85) client.isSilent = !client.isSilent;
    else if (roll < 0.86) this.topics.addPartitions(TOPIC, this.topics.get(TOPIC)!.partitions + 1);
    else await this.clock.advance(random.integer(4_000));
    if (random.integer(3) > 0) await this.clock.settled();
    this.#clients = this.#clients.filter(({ isGone }) => !isGone);
    if (!this.#disk.isCut) this.#check(groups);
  }

  /** A client ends, and another one of the other protocol takes its place, as in a rolling upgrade. */
  #change(client: MigratingClient, groups: GroupCoordinator): void {
    client.leave(groups, client.instanceId !== null);
    this.#add(client.instanceId, client instanceof ClassicClient ? "consumer" : "classic");
  }

  #add(instanceId: string | null, protocol = this.random.next() < 0.5 ? "consumer" : "classic"): void {
    const name = `m${this.#made++}`;
    const keepsAll = this.planted === "a member keeps what it must give up";
    const client =
      protocol === "consumer"
        ? new ConsumerClient(name, instanceId, this.topics)
        : new ClassicClient(instanceId, this.topics, this.#isCooperative, keepsAll);
    this.#clients.push(client);
  }

  /** A static instance is used by one client at a time. */
  #instance(): string | null {
    return this.random.next() < 0.3 ? `i${this.#made}` : null;
  }

  #send(client: MigratingClient, groups: GroupCoordinator): void {
    client.step(groups).catch((cause: unknown) => this.#failures.push(cause));
  }

  #check(groups: GroupCoordinator): void {
    const readers = new Map<number, string>();
    for (const client of this.#clients) {
      const { memberId, owned } = client;
      client.isZombie ||= !isMember(groups, memberId);
      if (client.isZombie) continue;
      for (const partition of owned) {
        const other = readers.get(partition);
        if (other !== undefined) throw new Error(`partition ${partition} is read by ${other} and ${memberId}`);
        readers.set(partition, memberId);
      }
    }
  }

  /** All clients send their requests, and nothing is lost any more. */
  async #rest({ groups }: Life): Promise<void> {
    for (const client of this.#clients) client.isSilent = false;
    for (let round = 0; round < ROUNDS_TO_REST; round++) {
      for (const client of this.#clients) {
        this.#send(client, groups);
        await this.clock.settled();
        this.#check(groups);
      }
      await this.clock.advance(2_000);
      this.#clients = this.#clients.filter(({ isGone }) => !isGone);
    }
    if (this.#clients.length === 0) return;
    const outside = this.#clients.filter(({ memberId }) => !isMember(groups, memberId));
    if (outside.length > 0) throw new Error(`${outside.length} clients are no members`);
    const read = this.#clients.flatMap(({ owned }) => [...owned]).sort((a, b) => a - b);
    const wanted = Array.from({ length: this.topics.get(TOPIC)!.partitions }, (_, at) => at);
    if (read.join() !== wanted.join()) throw new Error(`read are ${read}; there are ${wanted}`);
    const isConsumer = this.#clients.some((each) => each instanceof ConsumerClient);
    if ((groups.consumerGroup(GROUP) !== undefined) !== isConsumer)
      throw new Error("the group is of the wrong protocol");
  }
}

function isMember(groups: GroupCoordinator, memberId: string): boolean {
  const consumers = groups.consumerGroup(GROUP);
  if (consumers) return consumers.state.members.has(memberId);
  return groups.describe(GROUP)?.members.some((each) => each.memberId === memberId) ?? false;
}
