import type { AssignorName } from "../client-properties.js";
import type { TopicPartition } from "../kafka-client.js";

/** What an assignor shares out: each member's topics, and how many partitions each topic has. */
export interface AssignorInput {
  readonly members: readonly { readonly memberId: string; readonly topics: readonly string[] }[];
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** Every member's partitions; members without any are there with none. */
export type Assignments = Map<string, TopicPartition[]>;

/** Shares partitions out by the assignor the group has agreed on. The result depends on the input only, not on its order. */
export function assignPartitions(assignor: AssignorName, input: AssignorInput): Assignments {
  return assignor === "range" ? assignRange(input) : assignRoundRobin(input);
}

/** Topic by topic, consecutive ranges to the members in order of their ids; the first ones get the odd partitions. */
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

/** All partitions in a row, each to the next member in a circle that reads its topic. */
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
