import { SimClock } from "../../../src/base/clock.js";
import { makeFolderDurably } from "../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import { append, batchOf, openServedLog, readAll } from "../broker-log.js";
import { MemoryDisk } from "../memory-disk.js";
import { tryToCompact } from "./compact-sealed.js";
import { FAULTS, folderOrderOf, openLife } from "./disk-life.js";

const FOLDER = "/data/t-0";
const KEYS = ["a", "b", "c", "d"];

/** What the log must hold: the newest acknowledged value of each key, null for a tombstone. */
type State = Map<string, string | null>;

/**
 * Runs a history of one compacted log, drawn from `seed`: appends, and compactions on a disk that cuts the power, fails
 * and fills up at any call. After each start the newest record of every key must be the newest acknowledged one, or the
 * one that was not acknowledged yet.
 *
 * @throws an error that names the seed.
 */
export async function runCompactionHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
  const clock = new SimClock();
  const state: State = new Map();
  let next = 0;
  try {
    makeFolderDurably(disk, FOLDER);
    const lives = 3 + random.integer(4);
    for (let life = 0; life <= lives; life++) {
      const isMended = life === lives;
      if (!isMended) disk.fault = { at: disk.calls + 1 + random.integer(120), kind: FAULTS[random.integer(4)]! };
      // Cleanings group the segments by this size, so that they differ between lives.
      const segmentBytes = [400, 900][random.integer(2)]!;
      const log = await open(disk, clock, life, segmentBytes);
      if (!log) continue;
      check(log, state, []);
      for (let step = random.integer(40); step > 0 && !disk.isCut && !log.offline; step--) {
        if (random.integer(8) === 0) await tryToCompact(log, disk, clock.nowMs());
        const key = KEYS[random.integer(KEYS.length)]!;
        const value = random.integer(5) === 0 ? null : `${next++}${"x".repeat(random.integer(100))}`;
        const acknowledged = await send(log, key, value);
        if (acknowledged) state.set(key, value);
        // Not acknowledged, it may be there or not; to send it again settles that.
        else if (log.offline || disk.isCut) await settle(log, disk, clock, state, key, value, life);
      }
      if (!isMended && random.integer(2) === 0 && !disk.isCut) await tryToCompact(log, disk, clock.nowMs());
      log.abandon();
      if (random.integer(3) === 0 && !disk.isCut) disk.kill();
      else disk.restart();
    }
  } catch (cause) {
    throw new Error(`The compaction history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

function open(
  disk: MemoryDisk,
  clock: SimClock,
  leaderEpoch: number,
  segmentBytes = 400,
): Promise<PartitionLog | undefined> {
  const configs = {
    "cleanup.policy": "compact",
    "segment.bytes": String(segmentBytes),
    "index.interval.bytes": "100",
    "delete.retention.ms": "0",
    "flush.messages": "1",
  };
  return openLife(disk, () => openServedLog(FOLDER, { configs, disk, clock, leaderEpoch }));
}

async function send(log: PartitionLog, key: string, value: string | null): Promise<boolean> {
  try {
    append(log, batchOf([{ key, value }]));
    await log.settled(log.logEndOffset);
    return true;
  } catch {
    return false;
  }
}

/** Restarts a failed log, and notes which of the two states of a key it holds. */
async function settle(
  failed: PartitionLog,
  disk: MemoryDisk,
  clock: SimClock,
  state: State,
  key: string,
  value: string | null,
  life: number,
): Promise<void> {
  failed.abandon();
  if (disk.isCut) disk.restart();
  else disk.kill();
  const log = await open(disk, clock, life);
  if (!log) throw new Error("a mended disk failed");
  check(log, state, [key, value]);
  const found = stateOf(log);
  if (found.has(key)) state.set(key, found.get(key)!);
  else state.delete(key);
  log.abandon();
  disk.kill();
}

function stateOf(log: PartitionLog): State {
  const state: State = new Map();
  for (const { key, value } of readAll(log)) state.set(key!.toString(), value?.toString() ?? null);
  return state;
}

/** @param doubtful a key, and a value that it may have instead. */
function check(log: PartitionLog, state: State, [doubtful, instead]: readonly (string | null)[]): void {
  const found = stateOf(log);
  for (const key of KEYS) {
    const [is, should] = [found.get(key) ?? null, state.get(key) ?? null];
    if (is === should || (key === doubtful && is === instead)) continue;
    throw new Error(`${key} is ${is}, should be ${should}`);
  }
}
