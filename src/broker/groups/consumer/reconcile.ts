import {
  type AssignedPartitions,
  hasPartition,
  keptPartitions,
  NO_PARTITIONS,
  overlap,
  samePartitions,
  type TopicPartitions,
} from "./assignment/topic-partitions.js";
import type { CurrentAssignment } from "./consumer-member.js";

/** What a member's next step depends on. */
export interface Reconciliation {
  readonly current: CurrentAssignment;
  readonly target: TopicPartitions;
  readonly targetEpoch: number;
  /** What the member says it has; undefined: it says nothing. */
  readonly owned: TopicPartitions | undefined;
  /** Whether a partition is with another member. */
  readonly isTaken: (topicId: string, partition: number) => boolean;
}

/**
 * The next step of a member towards its target (KIP-848): it gives up what is not in the target, at its epoch; once it
 * no longer says that it has these, it enters the target's epoch and gets what is free. What others still have it gets
 * with a later heartbeat. Returns `current` itself when there is nothing to do.
 */
export function reconcile(reconciliation: Reconciliation): CurrentAssignment {
  const { current, targetEpoch, owned } = reconciliation;
  if (current.state === "stable" && current.memberEpoch === targetEpoch) return current;
  if (current.state === "unrevoked" && mayHave(owned, current.pendingRevocation)) return current;
  return step(reconciliation);
}

function step({ current, target, targetEpoch, owned, isTaken }: Reconciliation): CurrentAssignment {
  const kept = keptPartitions(current.assigned, (topicId, partition) => hasPartition(target, topicId, partition));
  const surplus = keptPartitions(current.assigned, (topicId, partition) => !hasPartition(target, topicId, partition));
  const { memberEpoch } = current;
  if (surplus.size > 0 && mayHave(owned, surplus)) {
    return {
      memberEpoch,
      previousMemberEpoch: memberEpoch,
      state: "unrevoked",
      assigned: kept,
      pendingRevocation: surplus,
    };
  }
  let waits = false;
  const assigned = new Map<string, ReadonlyMap<number, number>>(kept);
  for (const [topicId, partitions] of target) {
    const ofTopic = new Map(kept.get(topicId));
    for (const partition of partitions) {
      if (ofTopic.has(partition)) continue;
      if (isTaken(topicId, partition)) waits = true;
      else ofTopic.set(partition, targetEpoch);
    }
    if (ofTopic.size > 0) assigned.set(topicId, ofTopic);
  }
  const next: CurrentAssignment = {
    memberEpoch: targetEpoch,
    previousMemberEpoch: memberEpoch,
    state: waits ? "unreleased" : "stable",
    assigned,
    pendingRevocation: NO_PARTITIONS,
  };
  return isSame(current, next) ? current : next;
}

/** A member that says nothing may have everything. */
function mayHave(owned: TopicPartitions | undefined, partitions: AssignedPartitions): boolean {
  return owned === undefined || overlap(owned, partitions);
}

/** Whether nothing changes, so that a member that waits costs no record with each heartbeat. */
function isSame(current: CurrentAssignment, next: CurrentAssignment): boolean {
  if (current.state !== next.state || current.memberEpoch !== next.memberEpoch) return false;
  return samePartitions(current.assigned, next.assigned);
}
