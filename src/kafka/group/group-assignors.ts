import type { TopicPartition } from "../client/topic-partition.js";
import type { AssignorName } from "../client-properties.js";

/** The input of an assignor: each member's topics, and the partition count of each topic. */
export interface AssignorInput {
  readonly members: readonly { readonly memberId: string; readonly topics: readonly string[] }[];
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** The partitions of every member, empty for members without any. */
export type Assignments = Map<string, TopicPartition[]>;

/**
 * Assigns partitions with the assignor that the group has chosen. The order of the input does not affect the result.
 */
export function assignPartitions(assignor: AssignorName, input: AssignorInput): Assignments {
  return assignor === "range" ? assignRange(input) : assignRoundRobin(input);
}

/** Divides each topic into consecutive ranges, in order of member ids. The first members get the extra partitions. */
function assignRange({ members, partitionCounts }: AssignorInput): Assignments {
  const assignments = empty(members);
  for (const [topic, count] of sorted(partitionCounts)) {
    const takers = takersOf(members, topic);
    if (takers.length === 0) continue;
    const least = Math.floor(count / takers.length);
    const odd = count % takers.length;
    let next = 0;
    takers.forEach((memberId, index) => {
      const end = next + least + (index < odd ? 1 : 0);
      for (; next < end; next++) assignments.get(memberId)!.push({ topic, partition: next });
    });
  }
  return assignments;
}

/** Deals all partitions in order, each to the next member in a circle that reads its topic. */
function assignRoundRobin({ members, partitionCounts }: AssignorInput): Assignments {
  const assignments = empty(members);
  const circle = members.map((each) => each.memberId).sort();
  let at = 0;
  for (const [topic, count] of sorted(partitionCounts)) {
    const takers = new Set(takersOf(members, topic));
    if (takers.size === 0) continue;
    for (let partition = 0; partition < count; partition++) {
      while (!takers.has(circle[at % circle.length]!)) at++;
      assignments.get(circle[at++ % circle.length]!)!.push({ topic, partition });
    }
  }
  return assignments;
}

function empty(members: AssignorInput["members"]): Assignments {
  return new Map(members.map(({ memberId }) => [memberId, []]));
}

function takersOf(members: AssignorInput["members"], topic: string): string[] {
  return members
    .filter(({ topics }) => topics.includes(topic))
    .map(({ memberId }) => memberId)
    .sort();
}

function sorted(partitionCounts: ReadonlyMap<string, number>): [string, number][] {
  return [...partitionCounts].sort(([a], [b]) => (a < b ? -1 : 1));
}
