import { decodeSubscription } from "../../../protocol/consumer-protocol.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import type { GroupSnapshot } from "./classic-group.js";

/** Topics that the members of a consumer group read; undefined for other groups, and if metadata cannot be read. */
export function subscribedTopics({
  protocolType,
  protocolName,
  members,
}: GroupSnapshot): ReadonlySet<string> | undefined {
  if (protocolType !== "consumer" || protocolName === null) return undefined;
  const topics = new Set<string>();
  for (const { protocols } of members) {
    const protocol = protocols.find(({ name }) => name === protocolName);
    try {
      for (const topic of protocol ? decodeSubscription(protocol.metadata).topics : []) topics.add(topic);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return undefined;
    }
  }
  return topics;
}
