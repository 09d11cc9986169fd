import { SimClock } from "../../../src/base/clock.js";
import { makeFolderDurably } from "../../../src/base/files/durable-files.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { BrokerProperties } from "../../../src/broker/broker-properties.js";
import { GroupCoordinator } from "../../../src/broker/groups/group-coordinator.js";
import { GroupLog, OFFSETS_TOPIC } from "../../../src/broker/groups/group-log.js";
import { appendProduced } from "../../../src/broker/log/append-produced.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import { MarkerWriter } from "../../../src/broker/transactions/marker-writer.js";
import { TransactionCoordinator } from "../../../src/broker/transactions/transaction-coordinator.js";
import { openTransactionLog, TRANSACTIONS_TOPIC } from "../../../src/broker/transactions/transaction-log.js";
import { onlyPartition } from "../../../src/broker/transactions/transaction-state.js";
import { ErrorCodes, type ErrorName } from "../../../src/protocol/error-codes.js";
import { isControlBatch, nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { readMarker } from "../../../src/protocol/records/transaction-marker.js";
import { batchOf, openServedLog } from "../broker-log.js";
import { type DiskFault, MemoryDisk } from "../memory-disk.js";
import { TestTopics } from "../test-topics.js";
import { tryToCompact } from "./compact-sealed.js";
import { ENDS, endLife, folderOrderOf, openLife } from "./disk-life.js";

const FAULTS: readonly DiskFault["kind"][] = ["cut", "cut", "cut", "EIO", "ENOSPC"];
const DATA = ["t-0", "t-1", "u-0"] as const;
const INTERNAL = [`${OFFSETS_TOPIC}-0`, `${OFFSETS_TOPIC}-1`, `${TRANSACTIONS_TOPIC}-0`, `${TRANSACTIONS_TOPIC}-1`];
const CONFIGS = { "segment.bytes": "2000", "index.interval.bytes": "200", "flush.messages": "1" };
const INTERNAL_CONFIGS = {
  ...CONFIGS,
  "segment.bytes": "500",
  "cleanup.policy": "compact",
  "delete.retention.ms": "0",
};
const TIMEOUT_MS = 60_000;
/** Errors after which the request has certainly done nothing. */
const REFUSALS: readonly ErrorName[] = ["PRODUCER_FENCED", "INVALID_TXN_STATE", "INVALID_PRODUCER_ID_MAPPING"];

/** One transaction as its producer knows it. */
interface Attempt {
  readonly number: number;
  readonly id: string;
  /** Acknowledged records, as `partition value`. */
  readonly acknowledged: string[];
  hasOffsets: boolean;
  isBroken: boolean;
  outcome: "open" | "committing" | "aborting" | "committed" | "aborted" | "unknown";
}

/** A fault of the coordinator that the histories must find. */
export type PlantedBug = "data is not judged when it is appended" | "data does not wait until its partition is stored";

interface Model {
  readonly random: SeededRandom;
  readonly clock: SimClock;
  readonly attempts: Attempt[];
  /** The newest producer of each transactional id that has its session. */
  readonly newest: Map<string, Producer>;
  nextProducerId: number;
  readonly bug: PlantedBug | undefined;
  /** Appends of requests that were admitted, and whose producers have given up on them. */
  late: (() => void)[];
}

/** The coordinators and logs of one life of the broker. */
class World {
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;

  /** Opens the logs and loads the coordinators, as the broker does. @throws the disk's error. */
  static async open(disk: MemoryDisk, life: number, model: Model): Promise<World> {
    const logs = new Map<string, PartitionLog>();
    const { clock } = model;
    try {
      for (const name of [...DATA, ...INTERNAL]) {
        makeFolderDurably(disk, `/data/${name}`);
        const configs = INTERNAL.includes(name) ? INTERNAL_CONFIGS : CONFIGS;
        logs.set(name, await openServedLog(`/data/${name}`, { configs, disk, leaderEpoch: life, clock }));
      }
      return new World(logs, life, model);
    } catch (cause) {
      for (const log of logs.values()) log.abandon();
      throw cause;
    }
  }

  private constructor(
    readonly logs: ReadonlyMap<string, PartitionLog>,
    life: number,
    readonly model: Model,
  ) {
    const { clock } = model;
    const topic = (name: string) => [0, 1].map((partition) => this.logs.get(`${name}-${partition}`)!);
    const properties = new BrokerProperties({});
    const groupLog = new GroupLog(() => topic(OFFSETS_TOPIC), silentLogger);
    this.groups = new GroupCoordinator(
      groupLog,
      properties,
      clock,
      model.random,
      silentLogger,
      new TestTopics(["t", 2]),
    );
    this.groups.load();
    this.transactions = new TransactionCoordinator({
      log: openTransactionLog(() => topic(TRANSACTIONS_TOPIC), silentLogger),
      createTopic: async () => undefined,
      markers: new MarkerWriter({
        logOf: (name, partition) => this.logs.get(`${name}-${partition}`),
        onOffsetsMarker: (...end) => this.groups.offsets.endTransaction(...end),
        offsetsTopic: OFFSETS_TOPIC,
      }),
      takeProducerId: async () => model.nextProducerId++,
      epoch: life,
      properties,
      clock,
      logger: silentLogger,
    });
    if (model.bug === "data is not judged when it is appended") this.transactions.judge = () => "NONE";
    if (model.bug === "data does not wait until its partition is stored") {
      const admit = this.transactions.admit.bind(this.transactions);
      this.transactions.admit = (...data) => {
        const admitted = admit(...data);
        return admitted instanceof Promise ? "NONE" : admitted;
      };
    }
    this.transactions.load();
  }

  abandon(): void {
    for (const log of this.logs.values()) log.abandon();
  }

  async close(): Promise<void> {
    await this.transactions.close();
    for (const log of this.logs.values()) await log.close().catch(() => undefined);
  }
}

/** A producer of one transactional id. It has one request in flight, and retries an end until its outcome is certain. */
class Producer {
  session: { producerId: number; producerEpoch: number } | undefined;
  attempt: Attempt | undefined;
  isBusy = false;
  isUsedUp = false;
  readonly #sequences = new Map<string, number>();

  constructor(
    readonly id: string,
    readonly version: 1 | 2,
    private readonly model: Model,
  ) {}

  async step(world: World): Promise<void> {
    const { random } = this.model;
    if (this.isBusy || this.isUsedUp) return;
    this.isBusy = true;
    try {
      if (!this.session) await this.#init(world);
      else if (this.attempt && this.attempt.outcome !== "open") await this.#end(world, this.attempt);
      else if (this.attempt?.isBroken) await this.#end(world, this.attempt, "aborting");
      else {
        const choice = random.integer(10);
        if (choice < 6) await this.#produce(world, DATA[random.integer(DATA.length)]!);
        else if (choice < 7) await this.#commitOffsets(world);
        else if (this.attempt) await this.#end(world, this.attempt, choice === 9 ? "aborting" : "committing");
      }
    } finally {
      this.isBusy = false;
    }
  }

  /** Whether a newer producer has taken over the id; what this one begins from now on must fail. */
  get #isFenced(): boolean {
    const newest = this.model.newest.get(this.id);
    return newest !== undefined && newest !== this;
  }

  async #init({ transactions }: World): Promise<void> {
    const command = { transactionalId: this.id, timeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: -1 };
    const { error, producerId, producerEpoch } = await transactions.init(command);
    if (error !== "NONE") return;
    this.session = { producerId, producerEpoch };
    const former = this.model.newest.get(this.id);
    // The sessions distinguish two producers that take over at the same time.
    const isNewer = (a: { producerId: number; producerEpoch: number }, b: typeof a) =>
      a.producerId > b.producerId || (a.producerId === b.producerId && a.producerEpoch > b.producerEpoch);
    if (!former?.session || isNewer(this.session, former.session)) this.model.newest.set(this.id, this);
  }

  #begin(): Attempt {
    if (this.attempt) return this.attempt;
    const number = this.model.attempts.length;
    this.attempt = { number, id: this.id, acknowledged: [], hasOffsets: false, isBroken: false, outcome: "open" };
    this.model.attempts.push(this.attempt);
    return this.attempt;
  }

  async #produce({ transactions, logs, model }: World, name: string): Promise<void> {
    const wasFenced = this.#isFenced;
    const attempt = this.#begin();
    const session = this.session!;
    const [topic, partition] = [name.slice(0, 1), Number(name.slice(2))];
    const partitions = onlyPartition(topic, partition);
    if (this.version === 1) {
      const added = await transactions.add(this.id, session, partitions);
      if (added !== "NONE") return this.#broke(attempt, added);
    }
    const admitted = await transactions.admit(this.id, session, partitions, this.version === 2);
    if (admitted !== "NONE") return this.#broke(attempt, admitted);
    const value = `${attempt.number}:${attempt.acknowledged.length}`;
    const baseSequence = this.#sequences.get(name) ?? 0;
    const batch = batchOf([{ key: "k", value }], { ...session, baseSequence, isTransactional: true });
    const log = logs.get(name)!;
    const judgeTransaction = () => transactions.judge(this.id, session, partitions);
    const arrival = { nowMs: model.clock.nowMs(), apiVersion: 12, judgeTransaction };
    if (model.random.integer(8) === 0) {
      // As when its connection breaks: the broker carries it out some time.
      model.late.push(() => void appendProduced(log, batch, arrival, name));
      return this.#broke(attempt, "UNKNOWN_SERVER_ERROR");
    }
    const answer = appendProduced(log, batch, arrival, name);
    if (answer.errorCode !== ErrorCodes.NONE) return this.#broke(attempt, "UNKNOWN_SERVER_ERROR");
    try {
      await log.settled(answer.baseOffset + 1);
    } catch {
      return this.#broke(attempt, "KAFKA_STORAGE_ERROR");
    }
    if (wasFenced) throw new Error(`a fenced producer of ${this.id} wrote ${value} to ${name}`);
    this.#sequences.set(name, baseSequence + 1);
    attempt.acknowledged.push(`${name} ${value}`);
  }

  async #commitOffsets({ transactions, groups, model }: World): Promise<void> {
    const wasFenced = this.#isFenced;
    const attempt = this.#begin();
    const session = this.session!;
    const groupId = `group-${this.id}`;
    const partitions = groups.partitionsOf(groupId);
    if (this.version === 1) {
      const added = await transactions.add(this.id, session, partitions);
      if (added !== "NONE") return this.#broke(attempt, added);
    }
    const admitted = await transactions.admit(this.id, session, partitions, this.version === 2);
    const judged = admitted === "NONE" ? transactions.judge(this.id, session, partitions) : admitted;
    if (judged !== "NONE") return this.#broke(attempt, judged);
    const offset = { topic: "t", partition: 0, offset: attempt.number, leaderEpoch: -1, metadata: "" };
    const offsets = [{ ...offset, commitTimestamp: model.clock.nowMs(), expireTimestamp: -1 }];
    const producer = { ...session, baseSequence: -1, isTransactional: true };
    const command = { groupId, memberId: "", instanceId: null, generationId: -1, offsets, producer };
    const errorCode = groups.commit(command, ErrorCodes.ILLEGAL_GENERATION) || ((await groups.settled(groupId)) ?? 0);
    if (errorCode !== ErrorCodes.NONE) return this.#broke(attempt, "UNKNOWN_SERVER_ERROR");
    if (wasFenced) throw new Error(`a fenced producer of ${this.id} committed offsets`);
    attempt.hasOffsets = true;
  }

  /** @param outcome the end to ask for; undefined: the one that was asked for before. */
  async #end({ transactions }: World, attempt: Attempt, outcome?: "committing" | "aborting"): Promise<void> {
    const wasFenced = this.#isFenced;
    const isRepeated = outcome === undefined;
    attempt.outcome = outcome ?? attempt.outcome;
    const isCommit = attempt.outcome === "committing";
    const answer = await transactions.end(this.id, { ...this.session!, isCommit, version: this.version });
    if (answer.error === "NONE") {
      if (wasFenced && !isRepeated)
        throw new Error(`a fenced producer of ${this.id} ended transaction ${attempt.number}`);
      attempt.outcome = isCommit ? "committed" : "aborted";
      this.attempt = undefined;
      // In version 1 the sequences that follow a failed batch are not certain.
      if (this.version === 1 && attempt.isBroken) this.isUsedUp = true;
      if (this.version === 2) this.#sequences.clear();
      this.session = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    } else if (REFUSALS.includes(answer.error)) {
      attempt.outcome = isCommit && isRepeated ? "unknown" : "aborted";
      this.isUsedUp = true;
    }
  }

  #broke(attempt: Attempt, error: ErrorName): void {
    attempt.isBroken = true;
    if (!REFUSALS.includes(error)) return;
    attempt.outcome = "aborted";
    this.isUsedUp = true;
  }
}

/**
 * Runs a history of transactions, drawn from `seed`, over the coordinators and logs of a broker on a disk that cuts the
 * power, fails and fills up at any call: producers of both protocols take over each other's transactional ids, write to
 * several partitions, commit offsets of a group, and commit or abort. The process ends several times, by a power cut, a
 * kill or a clean stop. In the end every transaction must be visible as a whole, in all partitions and its group, or not
 * at all, as its producer's answers promise; what readers have seen stays; and what a fenced producer begins must fail.
 * Requests may be carried out long after their producers have given up on them, and the internal topics are compacted.
 *
 * @param bug a fault to plant.
 * @throws an error that names the seed.
 */
export async function runCoordinatorHistory(
  seed: number,
  bug?: PlantedBug,
): Promise<{ committed: number; aborted: number }> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
  const clock = new SimClock();
  const model: Model = { random, clock, attempts: [], newest: new Map(), nextProducerId: 1, bug, late: [] };
  const producers: Producer[] = [];
  const seen = new Map<string, string[]>();
  const lives = 2 + random.integer(5);
  try {
    makeFolderDurably(disk, "/data");
    for (let life = 0; life <= lives; life++) {
      const isLast = life === lives;
      const isFaulty = !isLast && random.integer(4) > 0;
      if (isFaulty) disk.fault = { at: disk.calls + 1 + random.integer(150), kind: FAULTS[random.integer(5)]! };
      const world = await openLife(disk, () => World.open(disk, life, model));
      if (!world) continue;
      await clock.settled();
      checkSeen(world, seen, disk);
      const failures: unknown[] = [];
      for (let step = isLast ? 0 : random.integer(80); step > 0 && !disk.isCut; step--) {
        if (producers.length === 0 || random.integer(12) === 0) {
          producers.push(new Producer(random.integer(3) > 0 ? "x" : "y", random.integer(2) === 0 ? 1 : 2, model));
        }
        const alive = producers.filter(({ isUsedUp }) => !isUsedUp);
        const producer = alive[random.integer(alive.length)];
        void producer?.step(world).catch((cause: unknown) => failures.push(cause));
        if (random.integer(2) === 0) await clock.settled();
        else await clock.turn();
        if (random.integer(4) === 0) model.late.shift()?.();
        if (random.integer(10) === 0) {
          await tryToCompact(world.logs.get(INTERNAL[random.integer(INTERNAL.length)]!)!, disk, clock.nowMs());
        }
        if (random.integer(40) === 0) {
          await clock.advance(TIMEOUT_MS + 1);
          await world.transactions.tend();
        }
        if (random.integer(4) === 0) checkSeen(world, seen, disk);
      }
      checkSeen(world, seen, disk);
      if (isLast) {
        await clock.advance(TIMEOUT_MS + 1);
        await world.transactions.tend();
        checkOutcomes(world, model);
      }
      model.late = [];
      await endLife(disk, world, isLast ? "kill" : ENDS[random.integer(ENDS.length)]!);
      await clock.settled();
      if (failures.length > 0) throw failures[0];
    }
    const count = (outcome: string) => model.attempts.filter((attempt) => attempt.outcome === outcome).length;
    return { committed: count("committed"), aborted: count("aborted") };
  } catch (cause) {
    throw new Error(`The coordinator history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

/** Records that a reader of committed records has seen stay. */
function checkSeen(world: World, seen: Map<string, string[]>, disk: MemoryDisk): void {
  if (disk.isCut) return;
  for (const name of DATA) {
    const log = world.logs.get(name)!;
    if (log.offline) continue;
    const records = committedRecords(log);
    const before = seen.get(name) ?? [];
    if (before.some((record, at) => records[at] !== record)) {
      throw new Error(`${name}: seen ${before.join(", ")}, and later ${records.join(", ")}`);
    }
    seen.set(name, records);
  }
}

function checkOutcomes(world: World, { attempts }: Model): void {
  const visible = new Set<string>();
  for (const name of DATA) {
    const log = world.logs.get(name)!;
    const { lastStableOffset, highWatermark } = log;
    if (lastStableOffset !== highWatermark)
      throw new Error(`${name}: stable to ${lastStableOffset}, not ${highWatermark}`);
    const records = committedRecords(log);
    if (new Set(records).size < records.length)
      throw new Error(`${name}: a record is there twice: ${records.join(", ")}`);
    for (const record of records) visible.add(`${name} ${record}`);
  }
  const isVisible = ({ number }: Attempt) => [...visible].some((record) => record.includes(` ${number}:`));
  for (const attempt of attempts) {
    const { number, id, acknowledged, outcome, hasOffsets } = attempt;
    const missing = acknowledged.filter((record) => !visible.has(record));
    const what = `transaction ${number} of ${id}, which its producer takes for ${outcome}`;
    const isCommitted = isVisible(attempt);
    if (isCommitted && missing.length > 0) throw new Error(`${what}: lacks ${missing.join(", ")}`);
    if (outcome === "committed" && missing.length > 0) throw new Error(`${what}: lacks all of its records`);
    const mayBe = outcome === "committed" || outcome === "unknown" || outcome === "committing";
    if (isCommitted && !mayBe) throw new Error(`${what}: is visible`);
    const committedOffset = world.groups.offsets.get(`group-${id}`, "t", 0)?.offset ?? -1;
    if (world.groups.offsets.isPending(`group-${id}`, "t", 0)) throw new Error(`an offset of ${id} is pending`);
    if (hasOffsets && committedOffset < number && (isCommitted || outcome === "committed")) {
      throw new Error(`${what}: its offset is not committed, but ${committedOffset}`);
    }
    if (committedOffset === number && (!mayBe || (acknowledged.length > 0 && !isCommitted))) {
      throw new Error(`${what}: its offset is committed`);
    }
  }
}

/** The values that a reader of committed records sees in a log, in order. */
function committedRecords(log: PartitionLog): string[] {
  const open = new Map<number, { readonly offset: number; readonly value: string }[]>();
  const found: { readonly offset: number; readonly value: string }[] = [];
  const end = log.lastStableOffset;
  for (let offset = log.logStartOffset; offset < log.highWatermark; ) {
    for (const { header, bytes } of walkBatches(log.reader.read(offset, 4000, true))) {
      offset = nextOffsetOf(header);
      const { producerId } = header;
      if (isControlBatch(header)) {
        if (readMarker(bytes)?.kind === "COMMIT") found.push(...(open.get(producerId) ?? []));
        open.delete(producerId);
        continue;
      }
      const records = readRecords(bytes).map((each) => ({ offset: each.offset, value: String(each.value) }));
      open.set(producerId, [...(open.get(producerId) ?? []), ...records]);
    }
  }
  return found
    .filter(({ offset }) => offset < end)
    .sort((a, b) => a.offset - b.offset)
    .map(({ value }) => value);
}
