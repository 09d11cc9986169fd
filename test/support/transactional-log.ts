import { SeededRandom } from "../../src/base/random.js";
import { type AppendAnswer, appendProduced } from "../../src/broker/log/append-produced.js";
import type { PartitionLog } from "../../src/broker/log/partition-log.js";
import type { ErrorName } from "../../src/protocol/error-codes.js";
import { batchOf, openTestLog, type TestLogOptions, type TestRecord } from "./broker-log.js";
import { MemoryDisk } from "./memory-disk.js";

const FOLDER = "/data/t-0";

export function diskWithFolder(seed = 1): MemoryDisk {
  const disk = new MemoryDisk(new SeededRandom(seed));
  disk.makeFolder(FOLDER);
  disk.syncFolder("/");
  return disk;
}

export function openOn(disk: MemoryDisk, configs: Readonly<Record<string, string>> = {}, options: TestLogOptions = {}) {
  return openTestLog(FOLDER, { configs, disk, ...options });
}

export interface Transactional {
  readonly producerId: number;
  readonly sequence: number;
  readonly epoch?: number;
  readonly records?: readonly TestRecord[];
  /** The coordinator's verdict. */
  readonly allows?: ErrorName;
  readonly isTransactional?: boolean;
}

/** Appends a producer's batch, by default one record of its transaction, as a Produce request does. */
export function produceTo(
  log: PartitionLog,
  { producerId, sequence, epoch = 0, records, allows = "NONE", isTransactional = true }: Transactional,
): AppendAnswer {
  const stamp = { producerId, producerEpoch: epoch, baseSequence: sequence, isTransactional };
  const arrival = { nowMs: 1_700_000_000_000, apiVersion: 9, judgeTransaction: () => allows };
  return appendProduced(log, batchOf(records ?? [{ key: "k", value: "v" }], stamp), arrival, "t-0");
}

/** Appends a marker. Returns its offset. */
export function endIn(log: PartitionLog, producerId: number, kind: "COMMIT" | "ABORT", producerEpoch = 0): number {
  return log.appendMarker({ producerId, producerEpoch, kind, coordinatorEpoch: 0 });
}
