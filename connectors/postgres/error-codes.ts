import type { ErrorCodes } from "../../src/api/index.js";

/** The connector's own error codes. */
export const ERROR_CODES: ErrorCodes = {
  POSTGRES_UNAVAILABLE: {
    text: "The database could not be reached, and the task has used up errors.max.retries.",
    advice: "See the cause; restart the task once the database answers. With errors.max.retries=-1 it retries forever.",
  },
  POSTGRES_REFUSED: {
    text: "The database refused a statement or the login, and a retry would be refused again.",
    advice: "See the server's own message and SQLSTATE; correct the setting or the privilege, then restart the task.",
  },
  POSTGRES_WAL_LEVEL: {
    text: "The server writes no logical WAL, so changes cannot be read.",
    advice: "Set wal_level=logical on the server and restart it; then restart the connector.",
  },
  POSTGRES_SLOT_IN_USE: {
    text: "Another session reads the replication slot, and kept it for slot.max.retries attempts.",
    advice: "Stop the other reader, or set a different slot.name for this connector; then restart the task.",
  },
  POSTGRES_LIMIT: {
    text: "A server limit is reached and waiting does not help: most often, no replication slot is free.",
    advice: "Drop unused replication slots, or raise max_replication_slots; then restart the task.",
  },
  POSTGRES_SLOT_LOST: {
    text: "The replication slot is gone, or the server has removed WAL that the slot needs.",
    advice:
      "Changes since the stored offset are lost: take a new snapshot (snapshot.mode=when_needed does so automatically), and raise max_slot_wal_keep_size.",
  },
  POSTGRES_POSITION_LOST: {
    text: "The stored offset does not belong to this server's WAL, or the slot has moved past it.",
    advice: "See the positions in the message; take a new snapshot (snapshot.mode=when_needed does so automatically).",
  },
  POSTGRES_TABLE_UNREADABLE: {
    text: "A table was renamed or replaced again and again while the snapshot was to read it.",
    advice: "Restart the task once the table keeps its name, or exclude it (table.exclude.list).",
  },
  POSTGRES_CHUNK_INTERRUPTED: {
    text: "A chunk of a table was read again and again, since changes without the table's key came meanwhile.",
    advice: "Set the table's REPLICA IDENTITY to DEFAULT or FULL, then restart the task.",
  },
};
