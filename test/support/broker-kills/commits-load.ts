import type { Random } from "../../../src/base/random.js";
import { offsetCommit } from "../../../src/protocol/apis/offset-commit.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import type { BrokerClient } from "../broker-client.js";
import type { KillLoad } from "./kill-load.js";
import { accepted, create } from "./topic-requests.js";

const TOPIC = "committed";

/** The offset of a group for a partition, as a start has it. @throws Error when it is refused. */
export async function committedOffset(client: BrokerClient, groupId: string, topic: string): Promise<number> {
  const groups = [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }];
  const answer = await client.request(offsetFetch, 8, { groups });
  accepted(answer.groups[0]!.errorCode, `OffsetFetch of ${groupId}`);
  const partition = answer.groups[0]!.topics[0]!.partitions[0]!;
  accepted(partition.errorCode, `OffsetFetch of ${groupId}`);
  return partition.committedOffset;
}

/** Groups that commit rising offsets. */
export class CommitsLoad implements KillLoad {
  readonly name = TOPIC;
  readonly #groups = ["g0", "g1", "g2"].map((id) => ({ id, sent: 0, acknowledged: -1 }));

  constructor(private readonly random: Random) {}

  prepare(client: BrokerClient): Promise<void> {
    return create(client, TOPIC, 1);
  }

  work(client: BrokerClient, acted: () => void): Promise<never> {
    return Promise.race(this.#groups.map((group) => this.#commit(client, group, acted)));
  }

  async #commit(
    client: BrokerClient,
    group: { readonly id: string; sent: number; acknowledged: number },
    acted: () => void,
  ): Promise<never> {
    for (;;) {
      group.sent += 1 + this.random.integer(10);
      const committedMetadata = "m".repeat(this.random.integer(100));
      const partitions = [{ partitionIndex: 0, committedOffset: group.sent, committedMetadata }];
      const topics = [{ name: TOPIC, partitions }];
      const request = { groupId: group.id, memberId: "", generationIdOrMemberEpoch: -1, topics };
      const answer = await client.request(offsetCommit, 8, request);
      accepted(answer.topics[0]!.partitions[0]!.errorCode, `OffsetCommit of ${group.id}`);
      group.acknowledged = group.sent;
      acted();
    }
  }

  async check(client: BrokerClient): Promise<void> {
    for (const group of this.#groups) {
      const found = await committedOffset(client, group.id, TOPIC);
      if (found < group.acknowledged || found > Math.max(group.sent, -1))
        throw new Error(`${group.id} is at ${found}; ${group.acknowledged} was acknowledged, ${group.sent} sent`);
      group.acknowledged = found;
    }
  }
}
