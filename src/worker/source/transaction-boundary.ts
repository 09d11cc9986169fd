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
  /** The task's request: for one of the connector's boundaries, or for a commit of everything that it has returned. */
  readonly asked: "commit" | "abort" | undefined;
}

/** Decides whether the transaction ends after a poll (KIP-618). */
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
