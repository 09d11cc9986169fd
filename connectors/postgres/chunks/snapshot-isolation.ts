import type { IsolationMode } from "../config/settings.js";

export interface IsolationScene {
  /** The transaction reads another's snapshot: the new slot's. */
  readonly isImported: boolean;
  /** Others read this one's, or it reads a table by several statements. */
  readonly isShared: boolean;
  readonly isStandby: boolean;
}

const REPEATABLE_READ = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/**
 * The statement that begins a snapshot's transaction. One snapshot for several connections, or one that is imported,
 * needs repeatable_read at least, which is also the most that a standby has.
 */
export function beginStatement(mode: IsolationMode, { isImported, isShared, isStandby }: IsolationScene): string {
  if (isImported || mode === "repeatable_read") return REPEATABLE_READ;
  if (mode === "serializable")
    return isStandby ? REPEATABLE_READ : "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE";
  if (isShared) return REPEATABLE_READ;
  return `BEGIN TRANSACTION ISOLATION LEVEL ${mode === "read_committed" ? "READ COMMITTED" : "READ UNCOMMITTED"}, READ ONLY`;
}
