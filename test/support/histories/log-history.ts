import { makeFolderDurably } from "../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../src/base/random.js";
import { appendProduced } from "../../../src/broker/log/append-produced.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import { checkCrc, readBatchHeader, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { batchOf, openServedLog } from "../broker-log.js";
import { MemoryDisk } from "../memory-disk.js";
import { ENDS, endLife, FAULTS, folderOrderOf, openLife } from "./disk-life.js";

const FOLDER = "/data/t-0";
const ARRIVAL = { nowMs: 1_700_000_000_000, apiVersion: 9 };

/** An idempotent producer that has one batch in flight, and repeats it until it is acknowledged. */
class Producer {
  /** Values of acknowledged records; the next batch begins after them. */
  acknowledged = 0;
  sequence = 0;
  /** Records of the batch that is not acknowledged yet. */
  batch: string[] = [];
  inFlight: Promise<void> | undefined;

  constructor(readonly id: number) {}

  send(log: PartitionLog, random: SeededRandom): void {
    if (this.inFlight) return;
    if (this.batch.length === 0) {
      const count = 1 + random.integer(3);
      const padding = "x".repeat(random.integer(120));
      this.batch = Array.from({ length: count }, (_, at) => `${this.acknowledged + at}:${padding}`);
    }
    const stamp = { producerId: this.id, producerEpoch: 0, baseSequence: this.sequence };
    const batch = batchOf(
      this.batch.map((value) => ({ value })),
      stamp,
    );
    const answer = appendProduced(log, batch, ARRIVAL, "t-0");
    if (answer.errorCode !== 0) return;
    const acknowledge = () => {
      this.acknowledged += this.batch.length;
      this.sequence += this.batch.length;
      this.batch = [];
      this.inFlight = undefined;
    };
    const settled = log.settled(log.logEndOffset);
    if (!settled) acknowledge();
    else {
      this.inFlight = settled.then(acknowledge, () => {
        this.inFlight = undefined;
      });
    }
  }
}

/**
 * Runs a history of one log, drawn from `seed`, on a disk that cuts the power, fails and fills up at any call: three
 * producers append, and the process ends by a power cut, a kill or a clean stop, several times. After each start the
 * log must hold every acknowledged record once, in the order of its producer, with valid checksums, and everything that
 * a reader has seen.
 *
 * @throws an error that names the seed.
 */
export async function runLogHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
  const producers = [1, 2, 3].map((id) => new Producer(id));
  let seen: string[] = [];
  let recoveryPoint = 0;
  const lives = 2 + random.integer(5);
  try {
    makeFolderDurably(disk, FOLDER);
    for (let life = 0; life <= lives; life++) {
      if (life < lives && random.integer(4) > 0) {
        disk.fault = { at: disk.calls + 1 + random.integer(60), kind: FAULTS[random.integer(FAULTS.length)]! };
      }
      const isFull = life < lives && random.integer(6) === 0;
      if (isFull) disk.fillUpTo(random.integer(3000));
      const log = await open(disk, life, recoveryPoint);
      if (!log) {
        disk.capacityBytes = Number.POSITIVE_INFINITY;
        continue;
      }
      const records = readable(log);
      if (seen.some((record, at) => records[at] !== record)) {
        throw new Error(`a record that was read is gone: ${seen.length} were read, ${records.length} are there`);
      }
      seen = records;
      for (const producer of producers) check(producer, records);
      checkEpochs(log);
      for (let step = random.integer(30); step > 0 && !disk.isCut; step--) {
        producers[random.integer(3)]!.send(log, random);
        if (random.integer(4) === 0) recoveryPoint = checkpointed(log, disk) ?? recoveryPoint;
        if (random.integer(4) === 0) await log.tend(ARRIVAL.nowMs, 1_000_000);
        if (random.integer(3) === 0) await Promise.all(producers.map(({ inFlight }) => inFlight));
        if (isFull && random.integer(10) === 0) disk.capacityBytes = Number.POSITIVE_INFINITY;
        if (!log.offline && !disk.isCut) seen = readable(log);
      }
      disk.capacityBytes = Number.POSITIVE_INFINITY;
      await endLife(disk, log, life === lives - 1 ? "cut" : ENDS[random.integer(ENDS.length)]!);
      await Promise.all(producers.map(({ inFlight }) => inFlight));
    }
  } catch (cause) {
    throw new Error(`The log history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

function open(disk: MemoryDisk, leaderEpoch: number, recoveryPoint: number): Promise<PartitionLog | undefined> {
  const configs = { "segment.bytes": "400", "index.interval.bytes": "10", "flush.messages": "1" };
  return openLife(disk, () => openServedLog(FOLDER, { configs, disk, leaderEpoch, recoveryPoint }));
}

function checkpointed(log: PartitionLog, disk: MemoryDisk): number | undefined {
  try {
    return log.checkpoint();
  } catch (cause) {
    if (!disk.isFaulty) throw cause;
    return undefined;
  }
}

/** The records that a reader sees, as `producer value`, in order. */
function readable(log: PartitionLog): string[] {
  const found: string[] = [];
  for (let offset = log.logStartOffset; offset < log.highWatermark; ) {
    const chunk = log.reader.read(offset, 1000, true);
    if (chunk.length === 0) throw new Error(`nothing to read at ${offset} before ${log.highWatermark}`);
    for (const { header, bytes } of walkBatches(chunk)) {
      if (!checkCrc(bytes, readBatchHeader(bytes))) throw new Error(`wrong checksum at ${header.baseOffset}`);
      if (header.baseOffset !== offset) throw new Error(`a gap before ${header.baseOffset}`);
      for (const { value } of readRecords(bytes)) found.push(`${header.producerId} ${value!.toString().split(":")[0]}`);
      offset = header.baseOffset + header.lastOffsetDelta + 1;
    }
  }
  return found;
}

/** Every epoch of the log must end where the next one begins. */
function checkEpochs(log: PartitionLog): void {
  const starts: { readonly epoch: number; readonly offset: number }[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    for (const { header } of walkBatches(log.reader.read(offset, 1000, true))) {
      const epoch = header.leaderEpoch;
      if (starts.at(-1)?.epoch !== epoch) starts.push({ epoch, offset });
      offset = header.baseOffset + header.lastOffsetDelta + 1;
    }
  }
  for (const [at, { epoch }] of starts.entries()) {
    const { endOffset } = log.endOfEpoch(epoch);
    const end = starts[at + 1]?.offset ?? log.logEndOffset;
    if (endOffset !== end) throw new Error(`epoch ${epoch} ends at ${endOffset}, should end at ${end}`);
  }
}

function check({ id, acknowledged, batch }: Producer, records: readonly string[]): void {
  const own = records.filter((record) => record.startsWith(`${id} `));
  const isOnceInOrder = own.every((record, at) => record === `${id} ${at}`);
  if (!isOnceInOrder || own.length < acknowledged || own.length > acknowledged + batch.length) {
    const state = `${acknowledged} acknowledged, ${batch.length} in flight, found ${own.join(", ")}`;
    throw new Error(`producer ${id}: ${state}`);
  }
}
