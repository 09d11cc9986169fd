import { formatLsn, type Lsn } from "../wal/lsn.js";
import type { ServerIdentity, TimelineFork } from "../wal/server-identity.js";

/** How a stored offset's WAL relates to the server's. */
export type Lineage =
  /** The server has everything up to the offset, or the offset does not say where it comes from. */
  | { readonly kind: "same" }
  /** The offset was read from another database cluster. */
  | { readonly kind: "foreign"; readonly reason: string }
  /** The server is on an earlier timeline: a standby that has yet to follow, or a former primary. */
  | { readonly kind: "earlier"; readonly reason: string }
  /** The server's history leaves that of the offset before the offset's position. */
  | { readonly kind: "diverged"; readonly reason: string };

/**
 * Compares positions by timeline: once a promoted or restored server has written past an offset, the positions alone
 * look as if streaming could go on, and what it wrote instead would be skipped.
 *
 * @param forks the ancestors of the server's timeline.
 */
export function judgeLineage(
  stored: { readonly identity: ServerIdentity | null; readonly furthest: Lsn },
  server: ServerIdentity,
  forks: readonly TimelineFork[],
): Lineage {
  const { identity, furthest } = stored;
  if (identity === null) return { kind: "same" };
  const offset = `The stored offset is at ${formatLsn(furthest)} (${furthest}) of`;
  if (identity.systemId !== server.systemId)
    return {
      kind: "foreign",
      reason: `${offset} system ${identity.systemId}, but the server is system ${server.systemId}, another database cluster: their positions cannot be compared. Connect to the former server; or, if this one is to take its place, reset the connector's offsets (DELETE /connectors/NAME/offsets), which takes a new snapshot`,
    };
  if (identity.timeline === server.timeline) return { kind: "same" };
  const timelines = `${offset} timeline ${identity.timeline}, but the server is on timeline ${server.timeline}`;
  if (identity.timeline > server.timeline)
    return { kind: "earlier", reason: `${timelines}, an earlier one: it lacks what was written since` };
  const fork = forks.find(({ timeline }) => timeline === identity.timeline);
  if (!fork)
    return { kind: "diverged", reason: `${timelines}, which does not descend from it: changes in between are lost` };
  if (furthest > fork.endLsn)
    return {
      kind: "diverged",
      reason: `${timelines}, which left it at ${formatLsn(fork.endLsn)} (${fork.endLsn}): a failover or restore has undone changes that were sent, and the ones written in their place would be skipped`,
    };
  return { kind: "same" };
}
