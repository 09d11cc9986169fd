import { SimClock } from "../../../src/base/clock.js";
import { makeFolderDurably } from "../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import type { OpenTransaction } from "../../../src/broker/log/producers/producer-state.js";
import { endOfBatches } from "../../../src/broker/log/segments/batch-walk.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../src/protocol/kafka-error.js";
import {
  type BatchHeader,
  checkCrc,
  isControlBatch,
  isTransactional,
  nextOffsetOf,
  walkBatches,
} from "../../../src/protocol/records/record-batch.js";
import { type DecodedRecord, readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { readMarker } from "../../../src/protocol/records/transaction-marker.js";
import { openServedLog } from "../broker-log.js";
import { MemoryDisk } from "../memory-disk.js";
import { endIn, produceTo } from "../transactional-log.js";
import { compactSealed } from "./compact-sealed.js";
import { ENDS, endLife, FAULTS, folderOrderOf, openLife } from "./disk-life.js";
import { type ModelBatch, type ModelEntry, TransactionModel } from "./transaction-model.js";

const FOLDER = "/data/t-0";
const KEYS = ["a", "b", "c", "d", "e"];
/** Producers with a transactional id; the last one is idempotent only. */
const PRODUCERS = [1, 2, 3, 4];
const IDEMPOTENT = 4;
const REMEMBERED_BATCHES = 5;

/** Entries to append, which have no offsets yet. */
type Appending = { readonly entries: readonly ModelEntry[]; readonly batch?: ModelBatch };

/**
 * Runs a history of one log with transactions, drawn from `seed`, on a disk that cuts the power, fails and fills up at
 * any call: producers write, commit, abort and are fenced; batches are repeated; the log is compacted, or shortened;
 * the process ends by a power cut, a kill or a clean stop. At every step readers of committed records, wherever they
 * begin, must see what `TransactionModel` works out; after a start, the producers and transactions must be those of the
 * batches that survived.
 *
 * @param hasPoints whether recovery points are written, so that a start reads only what came after.
 * @throws an error that names the seed.
 */
export async function runTransactionHistory(seed: number, hasPoints = false): Promise<void> {
  try {
    await new History(seed, hasPoints).run();
  } catch (cause) {
    throw new Error(`The transaction history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

class History {
  readonly #random: SeededRandom;
  readonly #disk: MemoryDisk;
  readonly #clock = new SimClock();
  readonly #model = new TransactionModel();
  readonly #isCompacted: boolean;
  readonly #configs: Record<string, string>;
  /** An append that failed: its bytes may be on disk nevertheless. */
  #doubtful: Appending | undefined;
  /** Everything before it is acknowledged, or was read. */
  #promised = 0;
  #logStart = 0;
  #cleanedUpTo = 0;
  #values = 0;
  #recoveryPoint = 0;
  /** Of its own, so that the other draws of a seed stay as they are. */
  readonly #points: SeededRandom | undefined;

  constructor(seed: number, hasPoints: boolean) {
    this.#points = hasPoints ? new SeededRandom(seed ^ 0x2545f491) : undefined;
    this.#random = new SeededRandom(seed);
    this.#disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
    this.#isCompacted = this.#pick(2) === 0;
    this.#configs = {
      "cleanup.policy": this.#isCompacted ? "compact" : "delete",
      "retention.ms": "-1",
      "segment.bytes": String([300, 500, 900][this.#pick(3)]),
      "index.interval.bytes": hasPoints ? "10" : "100",
      "delete.retention.ms": "0",
      "flush.messages": "1",
    };
  }

  async run(): Promise<void> {
    makeFolderDurably(this.#disk, FOLDER);
    const lives = 2 + this.#pick(5);
    let before: string | undefined;
    for (let life = 0; life <= lives; life++) {
      if (life < lives && this.#pick(3) > 0) {
        this.#disk.fault = { at: this.#disk.calls + 1 + this.#pick(150), kind: FAULTS[this.#pick(4)]! };
      }
      const log = await this.#open(life);
      if (!log) {
        before = undefined;
        continue;
      }
      this.#survived(log);
      if (before !== undefined && before !== foldOf(log)) {
        throw new Error(`the fold is ${foldOf(log)} after a restart, was ${before}`);
      }
      this.#check(log);
      for (let step = this.#pick(50); step > 0 && !this.#disk.isCut && !log.offline; step--) await this.#step(log);
      const how = life === lives - 1 ? "cut" : ENDS[this.#pick(ENDS.length)]!;
      if (how === "close and cut" && !this.#isCompacted && this.#pick(2) === 0) await this.#empty(log);
      const isWhole = how !== "cut" && !this.#disk.isCut && !log.offline && this.#disk.fault === undefined;
      before = isWhole ? foldOf(log) : undefined;
      await endLife(this.#disk, log, how);
    }
  }

  async #step(log: PartitionLog): Promise<void> {
    const producerId = PRODUCERS[this.#pick(PRODUCERS.length)]!;
    const action = this.#pick(20);
    if (action < 9) this.#send(log, producerId);
    else if (action < 13) this.#finish(log, producerId);
    else if (action < 15) this.#repeat(log, producerId);
    else if (action === 15) this.#sendStale(log, producerId);
    else if (action === 16) await log.tend(this.#clock.nowMs(), Number.MAX_SAFE_INTEGER);
    else if (action === 17) await (this.#isCompacted ? this.#compact(log) : this.#shorten(log));
    else await this.#settle(log);
    if (this.#points?.integer(6) === 0) this.#checkpoint(log);
    if (!log.offline && !this.#disk.isCut) this.#check(log);
  }

  #checkpoint(log: PartitionLog): void {
    try {
      this.#recoveryPoint = log.checkpoint();
    } catch (cause) {
      if (this.#disk.fault === undefined) throw cause;
    }
  }

  #send(log: PartitionLog, producerId: number): void {
    const { epoch, nextSequence } = this.#model.producer(producerId);
    const isTransactional = producerId !== IDEMPOTENT;
    const records = Array.from({ length: 1 + this.#pick(3) }, () => ({
      key: KEYS[this.#pick(KEYS.length)]!,
      value: `${this.#values++}${"x".repeat(this.#pick(60))}`,
    }));
    const baseOffset = log.logEndOffset;
    const batch = { producerId, epoch, sequence: nextSequence, baseOffset, records, isTransactional };
    const entries = records.map((record, at): ModelEntry => {
      return { kind: "record", offset: baseOffset + at, producerId, epoch, isTransactional, ...record };
    });
    const answer = produceTo(log, batch);
    this.#appended({ entries, batch }, answer.errorCode, answer.baseOffset === baseOffset);
  }

  /** Ends the producer's transaction if there is one, or repeats a marker. */
  #finish(log: PartitionLog, producerId: number): void {
    if (producerId === IDEMPOTENT) return;
    const { epoch } = this.#model.producer(producerId);
    const isCommit = this.#pick(2) === 0;
    // A coordinator that fences the producer aborts under a newer epoch.
    const markerEpoch = epoch + (!isCommit && this.#pick(3) === 0 ? 1 : 0);
    const offset = log.logEndOffset;
    const entry: ModelEntry = { kind: "marker", offset, producerId, epoch: markerEpoch, isCommit };
    let errorCode: number = ErrorCodes.NONE;
    try {
      endIn(log, producerId, isCommit ? "COMMIT" : "ABORT", markerEpoch);
    } catch (cause) {
      if (!(cause instanceof KafkaError)) throw cause;
      errorCode = cause.code;
    }
    this.#appended({ entries: [entry] }, errorCode, true);
  }

  #appended(appending: Appending, errorCode: number, isPlaced: boolean): void {
    if (errorCode === ErrorCodes.NONE && isPlaced) {
      this.#model.add(appending.entries, appending.batch);
      this.#doubtful = undefined;
      return;
    }
    if (errorCode !== ErrorCodes.KAFKA_STORAGE_ERROR || this.#disk.fault === undefined) {
      throw new Error(`an append was answered ${errorCode}: ${JSON.stringify(appending)}`);
    }
    this.#doubtful = appending;
  }

  #repeat(log: PartitionLog, producerId: number): void {
    const { epoch } = this.#model.producer(producerId);
    const batches = this.#model.batches(producerId, epoch).slice(-REMEMBERED_BATCHES);
    const batch = batches[this.#pick(batches.length || 1)];
    if (!batch) return;
    const { errorCode, baseOffset } = produceTo(log, batch);
    if (errorCode !== ErrorCodes.NONE || baseOffset !== batch.baseOffset) {
      throw new Error(`the retry of ${JSON.stringify(batch)} was answered ${errorCode}, offset ${baseOffset}`);
    }
  }

  #sendStale(log: PartitionLog, producerId: number): void {
    const { epoch } = this.#model.producer(producerId);
    if (epoch === 0) return;
    const { errorCode } = produceTo(log, { producerId, epoch: epoch - 1, sequence: 0 });
    if (errorCode !== ErrorCodes.INVALID_PRODUCER_EPOCH) throw new Error(`a fenced producer was answered ${errorCode}`);
  }

  async #settle(log: PartitionLog): Promise<void> {
    const end = log.logEndOffset;
    try {
      await log.settled(end);
      this.#promised = Math.max(this.#promised, end);
    } catch (cause) {
      if (this.#disk.fault === undefined) throw cause;
    }
  }

  async #shorten(
    log: PartitionLog,
    target = log.logStartOffset + this.#pick(log.highWatermark - log.logStartOffset + 1),
  ): Promise<void> {
    this.#logStart = Math.max(this.#logStart, target);
    log.raiseStart(target);
    try {
      await log.applyRetention(this.#clock.nowMs());
    } catch (cause) {
      if (this.#disk.fault === undefined) throw cause;
    }
    this.#logStart = Math.max(this.#logStart, log.logStartOffset);
  }

  /** Deletes all records: of the producers then only snapshots tell. */
  async #empty(log: PartitionLog): Promise<void> {
    if (log.offline || this.#disk.isCut) return;
    await this.#settle(log);
    if (!log.offline && !this.#disk.isCut) await this.#shorten(log, log.highWatermark);
  }

  /** Compacts what the cleaner would, if the log were the dirtiest. */
  async #compact(log: PartitionLog): Promise<void> {
    const sealed = log.segments.slice(0, -1);
    if (sealed.some((segment) => !segment.sealed)) return;
    const last = sealed.findLast(({ nextOffset }) => nextOffset <= log.lastStableOffset);
    if (!last) return;
    const dedupeBufferBytes = [48, 96, 1 << 16][this.#pick(3)]!;
    this.#cleanedUpTo = Math.max(this.#cleanedUpTo, last.nextOffset);
    // The log is read and written between the steps, and read at each sync of the files that take their places.
    let found: unknown;
    const look = () => {
      try {
        if (!log.offline && !this.#disk.isCut) this.#check(log);
      } catch (cause) {
        found ??= cause;
      }
    };
    this.#disk.onSync = look;
    const between = () => {
      const isAlive = !log.offline && !this.#disk.isCut;
      if (isAlive && this.#pick(3) === 0) this.#send(log, PRODUCERS[this.#pick(PRODUCERS.length)]!);
      look();
      return this.#pick(40) > 0;
    };
    try {
      await compactSealed(log, { nowMs: this.#clock.nowMs(), dedupeBufferBytes, between });
    } catch (cause) {
      if (this.#disk.fault === undefined) throw cause;
    } finally {
      this.#disk.onSync = undefined;
    }
    if (found !== undefined) throw found;
  }

  #open(leaderEpoch: number): Promise<PartitionLog | undefined> {
    const [disk, clock, configs, logStartOffset] = [this.#disk, this.#clock, this.#configs, this.#logStart];
    return openLife(disk, () => {
      // That of a deleted topic of the same name may be left.
      const recoveryPoint = this.#points?.integer(4) === 0 ? 1_000_000 : this.#recoveryPoint;
      return openServedLog(FOLDER, { configs, disk, clock, leaderEpoch, logStartOffset, recoveryPoint });
    });
  }

  /** Brings the model to what has survived the end of the last process. */
  #survived(log: PartitionLog): void {
    const end = log.logEndOffset;
    if (end < this.#promised) throw new Error(`the log ends at ${end}, but ${this.#promised} was promised`);
    if (end > this.#model.end && this.#doubtful?.entries[0]?.offset === this.#model.end) {
      this.#model.add(this.#doubtful.entries, this.#doubtful.batch);
    }
    this.#doubtful = undefined;
    // A log that is lost up to its start begins anew there.
    this.#model.truncate(end);
    if (end !== this.#model.end && end !== this.#logStart)
      throw new Error(`the log ends at ${end}, the model at ${this.#model.end}`);
  }

  #check(log: PartitionLog): void {
    const { highWatermark, logStartOffset, lastStableOffset } = log;
    const stable = this.#model.stable(highWatermark, logStartOffset);
    if (lastStableOffset !== stable)
      throw new Error(`the last stable offset is ${lastStableOffset}, should be ${stable}`);
    if (lastStableOffset > log.durableEnd) throw new Error(`${lastStableOffset} is stable, ${log.durableEnd} on disk`);
    this.#promised = Math.max(this.#promised, stable);
    this.#checkOpen(log);
    this.#checkReader(log, logStartOffset);
    this.#checkReader(log, logStartOffset + this.#pick(stable - logStartOffset + 1));
  }

  #checkOpen(log: PartitionLog): void {
    const shown = ({ producerId, firstOffset }: OpenTransaction) => `${producerId} from ${firstOffset}`;
    const [is, should] = [log.openTransactions.map(shown), this.#model.open().map(shown)];
    if (String(is) !== String(should)) throw new Error(`open: ${is}; should be: ${should}`);
  }

  /** Reads like a client, from `from` to the last stable offset. */
  #checkReader(log: PartitionLog, from: number): void {
    const found = new Map(readCommitted(log, from, 1 + this.#pick(600)).map((record) => [record.offset, record]));
    const expected = this.#model.committed(from, log.lastStableOffset);
    for (const { offset, key, value } of expected) {
      const record = found.get(offset);
      found.delete(offset);
      if (record?.key?.toString() === key && record.value?.toString() === value) continue;
      const isSuperseded = expected.some((later) => later.offset > offset && later.key === key);
      if (record || !this.#isCompacted || !isSuperseded || offset >= this.#cleanedUpTo) {
        throw new Error(`from ${from}: ${key} at ${offset} is ${record?.value}, should be ${value}`);
      }
    }
    if (found.size > 0) throw new Error(`from ${from}: read what is not committed, at ${[...found.keys()]}`);
  }

  #pick(count: number): number {
    return this.#random.integer(count);
  }
}

/** What must be the same after a restart that loses nothing. */
function foldOf(log: PartitionLog): string {
  const producers = [...log.producers.entries()]
    .map(({ seenAtMs: _, ...entry }) => entry)
    .sort((a, b) => a.producerId - b.producerId);
  const aborted = log.reader.abortedTransactions(log.logStartOffset, Number.MAX_SAFE_INTEGER);
  return JSON.stringify({ producers, open: log.openTransactions, aborted });
}

/** The records that a consumer with isolation.level=read_committed returns: it filters by the aborted transactions. */
function readCommitted(log: PartitionLog, from: number, maxBytes: number): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  for (let offset = from; offset < log.lastStableOffset; ) {
    const chunk = log.reader.read(offset, maxBytes, true, log.lastStableOffset);
    if (chunk.length === 0) break;
    const waiting = log.reader
      .abortedTransactions(offset, endOfBatches(chunk))
      .sort((a, b) => a.firstOffset - b.firstOffset);
    const aborted = new Set<number>();
    for (const { header, bytes } of walkBatches(chunk)) {
      if (!checkCrc(bytes, header)) throw new Error(`wrong checksum at ${header.baseOffset}`);
      offset = nextOffsetOf(header);
      while (waiting.length > 0 && waiting[0]!.firstOffset < offset) aborted.add(waiting.shift()!.producerId);
      if (isControlBatch(header)) {
        if (readMarker(bytes)?.kind === "ABORT") aborted.delete(header.producerId);
      } else if (!isSkipped(header, aborted)) {
        records.push(...readRecords(bytes).filter((record) => record.offset >= from));
      }
    }
  }
  return records;
}

function isSkipped(header: BatchHeader, aborted: ReadonlySet<number>): boolean {
  return isTransactional(header) && aborted.has(header.producerId);
}
