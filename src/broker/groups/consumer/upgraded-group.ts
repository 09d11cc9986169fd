import { decodeAssignment, decodeSubscription } from "../../../protocol/consumer-protocol.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import type { GroupSnapshot } from "../classic/classic-group.js";
import type { GroupMember } from "../classic/group-member.js";
import { partitionsById } from "./assignment/named-partitions.js";
import { type AssignedPartitions, type TopicPartitions, together } from "./assignment/topic-partitions.js";
import { subscriptionHash, type TopicsView } from "./assignment/topics-view.js";
import { type CurrentAssignment, type MemberDescription, NOTHING_ASSIGNED } from "./consumer-member.js";
import type { ConsumerRecord } from "./consumer-records.js";

/** The records of an upgraded group, or why its members cannot be read, in Kafka's words. */
export type UpgradedGroup = { readonly records: readonly ConsumerRecord[] } | { readonly refusal: string };

/**
 * A classic group of consumers as a group of the consumer protocol: the generation becomes the epoch of the group and of its
 * members, and what each is assigned its target and its own. Called when a member joins that uses the consumer protocol.
 */
export function upgradedGroup(group: string, classic: GroupSnapshot, topics: TopicsView): UpgradedGroup {
  const epoch = classic.generationId;
  const taken = new Set<string>();
  const names = new Set<string>();
  const ofMembers: ConsumerRecord[] = [];
  try {
    const members = classic.members.map((member) => {
      const { assignedPartitions, userData } = decodeAssignment(member.assignment);
      const { description, claimed } = readMember(member, classic.protocolName, topics);
      for (const name of description.subscribedTopicNames) names.add(name);
      const target = freeOf(partitionsById(assignedPartitions, topics), taken);
      return { memberId: member.memberId, description, claimed, target, isCustom: (userData?.length ?? 0) > 0 };
    });
    if (members.some(({ isCustom }) => isCustom)) return { refusal: CUSTOM_ASSIGNOR };
    const held = new Set(taken);
    for (const { memberId, description, claimed, target } of members) {
      // What it had when it joined, and nobody was assigned since: it may not have given that up yet.
      const own = together(target, freeOf(claimed, held));
      ofMembers.push({ kind: "member", group, memberId, value: description });
      ofMembers.push({ kind: "target", group, memberId, value: target });
      ofMembers.push({ kind: "current", group, memberId, value: currentOf(own, epoch) });
    }
  } catch (error) {
    if (error instanceof MalformedError) return { refusal: "the embedded consumer protocol is malformed." };
    throw error;
  }
  const metadataHash = isWhole(classic, names, taken, topics) ? subscriptionHash(names, topics) : UNKNOWN_HASH;
  const ofGroup: ConsumerRecord = { kind: "group-epoch", group, value: { epoch, metadataHash } };
  return { records: [ofGroup, ...ofMembers, { kind: "target-epoch", group, value: epoch }] };
}

const CUSTOM_ASSIGNOR =
  "an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.";

/** No topics have this hash, so that the first heartbeat computes the targets. */
const UNKNOWN_HASH = 0;

/**
 * Whether the members have shared out all partitions, and know the protocol that they prefer as theirs. If not, a static
 * member that comes back with the same subscription must not leave it at that: they are to join again.
 */
function isWhole(
  { state, members, protocolName }: GroupSnapshot,
  names: ReadonlySet<string>,
  taken: ReadonlySet<string>,
  topics: TopicsView,
): boolean {
  const shapes = [...names].flatMap((name) => topics.get(name) ?? []);
  if (members.some(({ protocols }) => protocols[0]!.name !== protocolName)) return false;
  return state === "Stable" && taken.size === shapes.reduce((sum, { partitions }) => sum + partitions, 0);
}

/** @param protocolName null: the first generation has not begun. */
function readMember(member: GroupMember, protocolName: string | null, topics: TopicsView) {
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = member;
  const protocol = protocols.find(({ name }) => name === protocolName) ?? protocols[0]!;
  const subscription = decodeSubscription(protocol.metadata);
  const { rackId } = subscription;
  const description: MemberDescription = {
    ...{ instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs },
    subscribedTopicNames: subscription.topics,
    subscribedTopicRegex: "",
    serverAssignor: null,
    classic: { sessionTimeoutMs, protocols },
  };
  return { description, claimed: partitionsById(subscription.ownedPartitions, topics) };
}

function currentOf(own: TopicPartitions, epoch: number): CurrentAssignment {
  const assigned: AssignedPartitions = new Map(
    [...own].map(([topicId, partitions]) => [topicId, new Map([...partitions].map((each) => [each, epoch]))]),
  );
  return { ...NOTHING_ASSIGNED, memberEpoch: epoch, previousMemberEpoch: epoch, assigned };
}

/** The partitions that are not taken, and takes them: a leader may have assigned one to two members, which nobody may have. */
function freeOf(partitions: TopicPartitions, taken: Set<string>): TopicPartitions {
  const free = new Map<string, ReadonlySet<number>>();
  for (const [topicId, ofTopic] of partitions) {
    const left = [...ofTopic].filter((partition) => !taken.has(`${topicId} ${partition}`));
    for (const partition of left) taken.add(`${topicId} ${partition}`);
    if (left.length > 0) free.set(topicId, new Set(left));
  }
  return free;
}
