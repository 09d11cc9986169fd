import { type ConsumerSubscription, decodeSubscription } from "../../../protocol/consumer-protocol.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import type { HeartbeatCommand } from "./consumer-heartbeat.js";
import type { MemberDescription } from "./consumer-member.js";
import type { ClassicJoin } from "./judge-classic-request.js";

/** What a member says of itself with a heartbeat, with what it said before. */
export function describedBy(command: HeartbeatCommand, before: MemberDescription | undefined): MemberDescription {
  const { rebalanceTimeoutMs } = command;
  return {
    instanceId: command.instanceId ?? before?.instanceId ?? null,
    rackId: command.rackId ?? before?.rackId ?? null,
    clientId: command.clientId,
    clientHost: command.clientHost,
    subscribedTopicNames: command.subscribedTopicNames ?? before?.subscribedTopicNames ?? [],
    subscribedTopicRegex: command.subscribedTopicRegex ?? before?.subscribedTopicRegex ?? "",
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? (before?.rebalanceTimeoutMs ?? -1) : rebalanceTimeoutMs,
    serverAssignor: command.serverAssignor ?? before?.serverAssignor ?? null,
    classic: null,
  };
}

/** The subscription of a classic member; undefined: it cannot be read. */
export function readSubscription(metadata: Buffer): ConsumerSubscription | undefined {
  try {
    return decodeSubscription(metadata);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** What a member says of itself with a JoinGroup, whose protocols all have the same subscription. */
export function describedByClassic(
  command: ClassicJoin,
  { topics, rackId }: ConsumerSubscription,
  before: MemberDescription | undefined,
): MemberDescription {
  const { clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = command;
  return {
    instanceId: command.instanceId ?? before?.instanceId ?? null,
    rackId: rackId ?? before?.rackId ?? null,
    clientId,
    clientHost,
    subscribedTopicNames: topics,
    subscribedTopicRegex: "",
    rebalanceTimeoutMs,
    serverAssignor: before?.serverAssignor ?? null,
    classic: { sessionTimeoutMs, protocols },
  };
}
