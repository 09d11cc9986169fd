import type { ConsumerConfig } from "../client-properties.js";
import type { FetchPartition, ResetTo } from "./fetch-partition.js";

/** One partition in a fetch: its epoch and offset when the fetch was sent. */
export interface Asked {
  readonly partition: FetchPartition;
  readonly epoch: number;
  readonly offset: number;
}

/** A request for the offsets where partitions without a position start. */
interface Lookup {
  readonly leader: number;
  readonly to: ResetTo;
  readonly partitions: FetchPartition[];
}

interface RequestPlan {
  readonly lookups: Iterable<Lookup>;
  /** By leader; none for a leader with a look-up. */
  readonly fetches: ReadonlyMap<number, readonly Asked[]>;
  /** Whether a partition that wants a request has no known leader. */
  readonly lacksLeader: boolean;
  /** The time until a partition may be asked for again; infinite when none waits for its time. */
  readonly waitMs: number;
}

interface Situation {
  readonly nowMs: number;
  readonly config: Pick<ConsumerConfig, "maxBytes" | "maxPartitionBytes">;
  /** The broker to ask for a partition; undefined: unknown. */
  leaderOf(partition: FetchPartition): number | undefined;
  /** Whether a broker has a request in flight. */
  isBusy(leader: number): boolean;
}

/** The requests that are due to brokers without a request in flight. */
export function planRequests(partitions: Iterable<FetchPartition>, situation: Situation): RequestPlan {
  const all = [...partitions];
  const { nowMs, config, leaderOf, isBusy } = situation;
  const fetches = new Map<number, Asked[]>();
  const lookups = new Map<string, Lookup>();
  const leadersWithLookup = new Set<number>();
  const held = heldBy(all, situation);
  let lacksLeader = false;
  let waitMs = Number.POSITIVE_INFINITY;
  for (const partition of all) {
    if (!wantsRequest(partition, held.bytes, config)) continue;
    if (partition.retryAtMs > nowMs) {
      waitMs = Math.min(waitMs, partition.retryAtMs - nowMs);
      continue;
    }
    const leader = leaderOf(partition);
    if (leader === undefined) {
      lacksLeader = true;
      continue;
    }
    if (isBusy(leader)) continue;
    if (partition.position === undefined) {
      const to = partition.resetTo!;
      const lookup = lookups.get(`${leader} ${to}`) ?? { leader, to, partitions: [] };
      lookups.set(`${leader} ${to}`, lookup);
      lookup.partitions.push(partition);
      leadersWithLookup.add(leader);
      continue;
    }
    if (held.leaders.has(leader)) continue;
    const asked = fetches.get(leader) ?? [];
    fetches.set(leader, asked);
    asked.push({ partition, epoch: partition.epoch, offset: partition.fetchOffset });
  }
  for (const leader of leadersWithLookup) fetches.delete(leader);
  return { lookups: lookups.values(), fetches, lacksLeader, waitMs };
}

/**
 * The bytes held for the next polls, and the leaders of partitions that hold enough for now. Nothing is fetched from
 * these leaders: a fetch without the busy partition would wait at the broker for the idle ones, and block the next
 * fetch of the busy one. Paused partitions count for neither: they may hold their records for any time and must not
 * starve the others.
 */
function heldBy(
  partitions: readonly FetchPartition[],
  { config, leaderOf }: Situation,
): { readonly bytes: number; readonly leaders: ReadonlySet<number | undefined> } {
  let bytes = 0;
  const leaders = new Set<number | undefined>();
  for (const each of partitions) {
    if (each.paused) continue;
    bytes += each.fetched.bytes;
    if (holdsEnough(each, config)) leaders.add(leaderOf(each));
  }
  return { bytes, leaders };
}

/** With less than half a partition's worth held, more is fetched, so that it arrives before the rest is used up. */
function holdsEnough({ fetched }: FetchPartition, { maxPartitionBytes }: Situation["config"]): boolean {
  return fetched.bytes >= maxPartitionBytes / 2;
}

function wantsRequest(partition: FetchPartition, heldBytes: number, config: Situation["config"]): boolean {
  if (partition.position === undefined) return partition.resetTo !== undefined;
  return !partition.paused && !holdsEnough(partition, config) && heldBytes < config.maxBytes;
}
