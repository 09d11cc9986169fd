import type pg from "pg";
import type { SourceRetention } from "../../../src/api/index.js";
import { queryRows } from "../server/query-rows.js";

/** What a slot keeps, at one time. */
export interface SlotUsage {
  /** WAL from the slot's oldest position to the end. */
  readonly bytes: number;
  readonly isActive: boolean;
  /** WAL that the slot needs is gone: it can never be read again. */
  readonly isLost: boolean;
  /** max_slot_wal_keep_size; null: none. */
  readonly serverLimitBytes: number | null;
}

/** A usage, and when it was seen. */
export interface UsageSample {
  readonly usage: SlotUsage;
  readonly atMs: number;
}

/** `null`: nothing to worry about. */
export type SlotAlarm = "lost" | "at its limit" | "at half its limit" | "at its limit soon" | null;

export interface UsageVerdict {
  readonly retention: SourceRetention;
  readonly alarm: SlotAlarm;
}

/** A limit this near is worth a warning, whatever is left until then. */
const SOON_S = 3600;

/** @returns undefined if there is no such slot. */
export async function readSlotUsage(client: pg.Client, name: string): Promise<SlotUsage | undefined> {
  const [row] = await queryRows(
    client,
    `SELECT to_jsonb(s) AS slot,
            ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)
              - s.restart_lsn)::int8 AS bytes,
            (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep
     FROM pg_replication_slots s WHERE slot_name = $1`,
    [name],
  );
  if (!row) return undefined;
  const slot = JSON.parse(row["slot"]!) as Record<string, string | boolean | null>;
  const keep = Number(row["keep"] ?? -1);
  return {
    bytes: Math.max(0, Number(row["bytes"] ?? 0)),
    isActive: slot["active"] === true,
    isLost: slot["wal_status"] === "lost" || slot["invalidation_reason"] != null,
    // -1: no limit.
    serverLimitBytes: keep >= 0 ? keep : null,
  };
}

/**
 * What the metrics show of a slot, and whether someone must know of it.
 *
 * @param samples the latest last; growth is measured from the first.
 * @param ownLimitBytes slot.guard.limit.bytes; 0: none. The lower limit counts.
 */
export function judgeUsage(samples: readonly UsageSample[], ownLimitBytes: number): UsageVerdict {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const { bytes, isLost, serverLimitBytes } = last.usage;
  const limits = [ownLimitBytes || null, serverLimitBytes].filter((limit) => limit !== null);
  const limitBytes = limits.length > 0 ? Math.min(...limits) : undefined;
  const seconds = (last.atMs - first.atMs) / 1000;
  const bytesPerSecond = seconds > 0 ? (bytes - first.usage.bytes) / seconds : undefined;
  const isGrowing = bytesPerSecond !== undefined && bytesPerSecond > 0;
  const secondsToLimit =
    limitBytes === undefined
      ? undefined
      : bytes >= limitBytes
        ? 0
        : isGrowing
          ? (limitBytes - bytes) / bytesPerSecond
          : undefined;
  return {
    retention: { bytes, bytesPerSecond, limitBytes, secondsToLimit },
    alarm: isLost ? "lost" : alarmOf(bytes, limitBytes, secondsToLimit),
  };
}

function alarmOf(bytes: number, limitBytes: number | undefined, secondsToLimit: number | undefined): SlotAlarm {
  if (limitBytes === undefined) return null;
  if (bytes >= limitBytes) return "at its limit";
  if (bytes >= limitBytes / 2) return "at half its limit";
  return secondsToLimit !== undefined && secondsToLimit < SOON_S && bytes >= limitBytes / 10
    ? "at its limit soon"
    : null;
}
