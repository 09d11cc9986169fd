import { ConfigError, UnsupportedError } from "../../../src/api/index.js";
import { ServerError } from "../server/server-error.js";

/** The slot and publication of one replication stream. */
export interface StreamNames {
  readonly slotName: string;
  readonly publicationName: string;
}

/**
 * Names the object and the remedy for an error on a replication connection. Decides by SQLSTATE, severity and phase,
 * because the message may be in any language (lc_messages).
 *
 * @param phase start: START_REPLICATION was refused. stream: the error ended a running stream.
 * @returns the error unchanged if there is nothing to add.
 */
export function explainReplicationFailure(
  error: unknown,
  phase: "start" | "stream",
  { slotName, publicationName }: StreamNames,
): unknown {
  if (!(error instanceof ServerError)) return error;
  const { code, message } = error;
  // The server looks up the slot at the start, but the publication only when it decodes the first change.
  if (isMissingPublication(error) || (code === "42704" && phase === "stream"))
    return new ConfigError(
      "publication.name",
      `Publication ${publicationName} did not exist when a change was written: ${message}. Create it (CREATE PUBLICATION ${publicationName} FOR TABLE …) and, where it was dropped while slot ${slotName} held changes, drop the slot and take a new snapshot.`,
      { cause: error },
    );
  if (code === "42704")
    return new ConfigError(
      "slot.name",
      `Replication slot ${slotName} cannot be read: ${message}. The changes since the stored offset are gone: set snapshot.mode=when_needed to take a new snapshot.`,
      { cause: error },
    );
  // Many states share this code, a synchronized slot of a standby among them. The next attempt reads which it is from
  // pg_replication_slots, and refuses or waits.
  if (code === "55000") return new Error(message, { cause: error });
  if (code === "58P01")
    return new UnsupportedError(
      "POSTGRES_SLOT_LOST",
      `Replication slot ${slotName} cannot be read: ${message}. The offset to start reading from has been removed from the database write-ahead log. Take a new snapshot (snapshot.mode=when_needed does, and recreates the slot), and raise max_slot_wal_keep_size.`,
      { cause: error },
    );
  return error;
}

/**
 * PostgreSQL 18 only warns about a missing publication and skips its changes, which loses them; earlier versions end
 * the stream. No other walsender warning has this code.
 */
export function isMissingPublication({ severity, code }: ServerError): boolean {
  return severity === "WARNING" && code === "55000";
}
