import { ErrorCodes } from "../../protocol/error-codes.js";
import type { CommitCommand } from "./commit-command.js";
import type { ConsumerGroup } from "./consumer/consumer-group.js";

/**
 * Judges an OffsetCommit or TxnOffsetCommit in a consumer group. A member may commit with an older epoch what it has had
 * since then (KIP-1251). The generation of one that uses the classic protocol is its epoch. Returns an error code.
 *
 * @param topicIdOf undefined: there is no such topic.
 */
export function judgeConsumerCommit(
  { memberId, instanceId, generationId: epoch, offsets, producer, knowsEpochs }: CommitCommand,
  { state, isEmpty }: ConsumerGroup,
  topicIdOf: (topic: string) => string | undefined,
): number {
  const isTransactional = producer !== undefined;
  if (epoch < 0 && isEmpty) return ErrorCodes.NONE;
  if (isTransactional && epoch === -1 && memberId === "" && instanceId === null) return ErrorCodes.NONE;
  const member = state.members.get(memberId);
  if (!member) return ErrorCodes.UNKNOWN_MEMBER_ID;
  if (!isTransactional && !knowsEpochs && !member.classic) return ErrorCodes.UNSUPPORTED_VERSION;
  const { memberEpoch, assigned, pendingRevocation } = state.current(memberId);
  if (epoch === memberEpoch) return ErrorCodes.NONE;
  const isStale = (topic: string, partition: number) => {
    const id = topicIdOf(topic);
    const since = id === undefined ? undefined : (assigned.get(id) ?? pendingRevocation.get(id))?.get(partition);
    return since === undefined || since > epoch;
  };
  if (epoch >= 0 && epoch < memberEpoch && !offsets.some((each) => isStale(each.topic, each.partition))) {
    return ErrorCodes.NONE;
  }
  return knowsEpochs && !member.classic ? ErrorCodes.STALE_MEMBER_EPOCH : ErrorCodes.ILLEGAL_GENERATION;
}

/** Judges an OffsetFetch: only members and clients that name none may read. Returns an error code, or undefined. */
export function judgeConsumerFetch(
  memberId: string | null,
  memberEpoch: number,
  { state }: ConsumerGroup,
): number | undefined {
  if (memberId === null && memberEpoch < 0) return undefined;
  const member = memberId === null ? undefined : state.members.get(memberId);
  if (!member) return ErrorCodes.UNKNOWN_MEMBER_ID;
  if (state.current(memberId!).memberEpoch === memberEpoch) return undefined;
  return member.classic ? ErrorCodes.ILLEGAL_GENERATION : ErrorCodes.STALE_MEMBER_EPOCH;
}
