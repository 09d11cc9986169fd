import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { LogConfig } from "./log-config.js";
import type { SealedFiles } from "./segments/sealed-files.js";

export interface PartitionLogOptions {
  /** `<data folder>/<topic>-<partition>`; created if it does not exist. */
  readonly folder: string;
  /** The topic's configuration, read at each use: it may change while the log is open. */
  readonly config: () => LogConfig;
  readonly files: SealedFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The epoch of this start of the broker. */
  readonly leaderEpoch: number;
  /** The log start set by DeleteRecords, 0 if none. */
  readonly logStartOffset: number;
  /** The last result of `checkpoint`, 0 if that is unknown. */
  readonly recoveryPoint: number;
  /** Throws when another process owns the data folder; called before each append. */
  readonly checkFolder: () => void;
}
