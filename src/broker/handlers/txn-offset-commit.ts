import type { RequestOf } from "../../protocol/api.js";
import { txnOffsetCommit as api } from "../../protocol/apis/txn-offset-commit.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup, toTransactionalId } from "../access/access.js";
import type { PartitionOffset } from "../groups/group-offsets.js";
import { type Broker, type Call, defineHandler } from "../handler.js";
import { type TransactionalDialect, transactionalDataError } from "./transaction-answers.js";

type CommitRequest = RequestOf<typeof api>;

/** Memory of a decoded topic or partition, about. */
const ELEMENT_BYTES = 200;

/**
 * TxnOffsetCommit (key 28), v0-v5.
 * Commits offsets of a group in a producer's transaction: they are in the offsets topic before the answer, and become
 * visible when the transaction is committed. v2: leader epochs; v3: the member is checked, flexible; v4:
 * TRANSACTION_ABORTABLE; v5: the group is added to the transaction.
 */
export const txnOffsetCommit = defineHandler(api, {
  versions: [0, 5],
  authorize: (request, access) => {
    const error = toTransactionalId(request, access);
    return error === "NONE" ? toGroup("READ")(request, access) : error;
  },
  async handle(request, call) {
    const { broker, apiVersion } = call;
    const { transactionalId, groupId } = request;
    if (transactionalId === "") return refused(request, ErrorCodes.INVALID_REQUEST);
    if (groupId === "") return refused(request, ErrorCodes.INVALID_GROUP_ID);
    // Nothing of it would be committed: the producer is not looked at.
    const mayRead = new Set(
      request.topics.flatMap(({ name }) => (call.access.allows("READ", "TOPIC", name) ? [name] : [])),
    );
    const named = topicFaults(request, mayRead, broker);
    if (!named.some((codes) => codes.includes(ErrorCodes.NONE))) return answered(request, named);
    const partitions = broker.groups.partitionsOf(groupId);
    const admission = broker.transactions.admit(transactionalId, request, partitions, apiVersion >= 5);
    const admitted = admission instanceof Promise ? await counted(admission, request, call) : admission;
    // Judged again: it may have ended meanwhile.
    const error = admitted === "NONE" ? broker.transactions.judge(transactionalId, request, partitions) : admitted;
    if (error !== "NONE") {
      const code = ErrorCodes[transactionalDataError(error, dialectOf(apiVersion))];
      return answered(request, withCode(named, code));
    }
    // In one step with the commit: a topic may have been deleted meanwhile, and the next of its name must not get them.
    const present = topicFaults(request, mayRead, broker);
    const faults = request.topics.map(({ partitions: asked }, at) => {
      return asked.map(({ committedMetadata }, of) => present[at]![of] || metadataFault(committedMetadata, broker));
    });
    const errorCode = await commit(request, acceptedOf(request, faults, call), call);
    return answered(request, errorCode === ErrorCodes.NONE ? faults : withCode(present, errorCode));
  },
  refuse: refused,
});

/** Error codes of all partitions, by topic. */
type Codes = readonly (readonly number[])[];

/** TOPIC_AUTHORIZATION_FAILED and UNKNOWN_TOPIC_OR_PARTITION, or NONE. */
function topicFaults({ topics }: CommitRequest, mayRead: ReadonlySet<string>, broker: Broker): Codes {
  return topics.map(({ name, partitions }) => {
    return partitions.map(({ partitionIndex }) => {
      if (!mayRead.has(name)) return ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
      return broker.topics.log(name, partitionIndex) ? ErrorCodes.NONE : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    });
  });
}

/** The same, with `code` for those that have no error. */
function withCode(codes: Codes, code: number): Codes {
  return codes.map((each) => each.map((known) => known || code));
}

function answered({ topics }: CommitRequest, codes: Codes) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions: asked }, at) => ({
      name,
      partitions: asked.map(({ partitionIndex }, of) => ({ partitionIndex, errorCode: codes[at]![of]! })),
    })),
  };
}

/** Waits for the coordinator. The request counts in the memory meanwhile: its frame no longer does. */
async function counted<T>(admission: Promise<T>, { topics }: CommitRequest, { memory }: Call): Promise<T> {
  let bytes = 0;
  for (const { name, partitions } of topics) {
    bytes += ELEMENT_BYTES + name.length;
    for (const { committedMetadata } of partitions) bytes += ELEMENT_BYTES + (committedMetadata?.length ?? 0);
  }
  const release = memory.hold(bytes);
  try {
    return await admission;
  } finally {
    release();
  }
}

async function commit(request: CommitRequest, offsets: readonly PartitionOffset[], { broker }: Call): Promise<number> {
  const { groupId, memberId, groupInstanceId, generationId, producerId, producerEpoch } = request;
  const producer = { producerId, producerEpoch, baseSequence: -1, isTransactional: true };
  const command = { groupId, memberId, instanceId: groupInstanceId, generationId, offsets, producer };
  const errorCode = broker.groups.commit(command, ErrorCodes.ILLEGAL_GENERATION);
  return errorCode === ErrorCodes.NONE ? ((await broker.groups.settled(groupId)) ?? errorCode) : errorCode;
}

function metadataFault(metadata: string | null, { properties }: Broker): number {
  const tooLong = (metadata?.length ?? 0) > properties.number("offset.metadata.max.bytes");
  return tooLong ? ErrorCodes.OFFSET_METADATA_TOO_LARGE : ErrorCodes.NONE;
}

function acceptedOf(
  { topics }: CommitRequest,
  faults: readonly (readonly number[])[],
  { broker }: Call,
): PartitionOffset[] {
  const commitTimestamp = broker.clock.nowMs();
  return topics.flatMap(({ name, partitions }, at) =>
    partitions
      .filter((_, of) => faults[at]![of] === ErrorCodes.NONE)
      .map((asked) => ({
        topic: name,
        partition: asked.partitionIndex,
        offset: asked.committedOffset,
        leaderEpoch: asked.committedLeaderEpoch,
        metadata: asked.committedMetadata ?? "",
        commitTimestamp,
        expireTimestamp: -1,
      })),
  );
}

function dialectOf(apiVersion: number): TransactionalDialect {
  return { knowsAbortable: apiVersion >= 4, knowsConcurrent: apiVersion >= 5, retry: "COORDINATOR_NOT_AVAILABLE" };
}

function refused({ topics }: CommitRequest, errorCode: number) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => {
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
    }),
  };
}
