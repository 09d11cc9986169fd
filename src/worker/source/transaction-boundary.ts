import type { Props } from "../../api/index.js";

/** Who decides where a source task's transactions end (`transaction.boundary`). */
type TransactionBoundary = "poll" | "interval" | "connector";

/** How a source task's transactions end. */
export interface BoundarySettings {
  readonly boundary: TransactionBoundary;
  /** For `interval`. */
  readonly intervalMs: number;
}

const BOUNDARIES = ["poll", "interval", "connector"] as const satisfies readonly TransactionBoundary[];

/**
 * The boundary of a connector's transactions. Its values have been validated.
 *
 * @param flushIntervalMs the worker's `offset.flush.interval.ms`, the default of the interval.
 */
export function parseBoundary(connector: Props, flushIntervalMs: number): BoundarySettings {
  const named = connector["transaction.boundary"]?.trim().toLowerCase() || "poll";
  const boundary = BOUNDARIES.find((each) => each === named) ?? "poll";
  const interval = connector["transaction.boundary.interval.ms"]?.trim();
  return { boundary, intervalMs: interval ? Number(interval) : flushIntervalMs };
}

/** A transaction as a poll and its batch have left it. */
export interface OpenTransaction extends BoundarySettings {
  /** It has records, or offsets to store. */
  readonly isOpen: boolean;
  /** Milliseconds since the last one ended. */
  readonly ageMs: number;
  /** What the task asked for: of the connector's boundaries, or a commit of all that it has returned. */
  readonly asked: "commit" | "abort" | undefined;
}

/** What to do with the transaction after a poll (KIP-618). */
export function judgeBoundary({
  boundary,
  intervalMs,
  isOpen,
  ageMs,
  asked,
}: OpenTransaction): "commit" | "abort" | "continue" {
  if (!isOpen) return "continue";
  if (boundary === "connector") return asked ?? "continue";
  const isDue = boundary === "poll" || ageMs >= intervalMs || asked === "commit";
  return isDue ? "commit" : "continue";
}
