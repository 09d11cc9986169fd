import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import type { MemberIdentity } from "./classic/group-member.js";
import type { PartitionOffset } from "./group-offsets.js";

/** An OffsetCommit, without the partitions that were already refused. */
export interface CommitCommand extends MemberIdentity {
  readonly groupId: string;
  /** Of a member of a consumer group its epoch; negative: none. */
  readonly generationId: number;
  /** The version of the request has errors for member epochs; by default it has not. */
  readonly knowsEpochs?: boolean;
  readonly offsets: readonly PartitionOffset[];
  /** The transaction that commits them (TxnOffsetCommit); undefined: they are committed at once. */
  readonly producer?: ProducerStamp;
}
