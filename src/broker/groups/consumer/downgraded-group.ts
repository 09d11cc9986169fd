import { encodeAssignment } from "../../../protocol/consumer-protocol.js";
import type { GroupSnapshot } from "../classic/classic-group.js";
import { type GroupMember, selectProtocol } from "../classic/group-member.js";
import { partitionsByName } from "./assignment/named-partitions.js";
import { together } from "./assignment/topic-partitions.js";
import type { TopicsView } from "./assignment/topics-view.js";
import type { ConsumerGroupState } from "./consumer-group-state.js";
import { CONSUMER_TYPE } from "./judge-classic-request.js";

/** How a group goes on as a classic one. */
export interface Downgrade {
  /** The epoch that the members know. */
  readonly generationId: number;
  /** The members must join, since partitions are to be shared out again. */
  readonly rebalances: boolean;
}

/**
 * A group whose members all use the classic protocol, as a classic group. Each is assigned what it has, and still has to
 * give up: a group that is upgraded again before they have joined must not take that for free. One that rebalances has no
 * leader, so that a start of the broker goes on with that, and no protocol: a SyncGroup that is under way may name another
 * one, and clients do not survive the error for that.
 */
export function downgradedGroup(
  state: Omit<ConsumerGroupState, "apply">,
  { generationId, rebalances }: Downgrade,
  topics: TopicsView,
): Omit<GroupSnapshot, "state"> {
  const members = [...state.members].map(([memberId, description]): GroupMember => {
    const { instanceId, clientId, clientHost, rebalanceTimeoutMs } = description;
    const { sessionTimeoutMs, protocols } = description.classic!;
    const { assigned, pendingRevocation } = state.current(memberId);
    return {
      ...{ memberId, instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols },
      assignment: assignmentFor(protocols[0]!.metadata, together(assigned, pendingRevocation), topics),
      deadlineMs: 0,
      isNew: false,
      parkedJoin: undefined,
      parkedSync: undefined,
    };
  });
  const leader = rebalances ? null : members[0]!.memberId;
  const protocolName = rebalances ? null : (selectProtocol(members) ?? members[0]!.protocols[0]!.name);
  return { protocolType: CONSUMER_TYPE, protocolName, generationId, leader, members };
}

/** An assignment in the embedded protocol, of the version of the member's subscription. */
export function assignmentFor(
  subscription: Buffer,
  assigned: Parameters<typeof partitionsByName>[0],
  topics: TopicsView,
): Buffer {
  const version = subscription.length < 2 ? 0 : Math.max(0, subscription.readInt16BE());
  return encodeAssignment(version, { assignedPartitions: partitionsByName(assigned, topics), userData: null });
}
