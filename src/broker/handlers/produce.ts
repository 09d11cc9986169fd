import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { produce as api } from "../../protocol/apis/produce.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { transactionalProducerOf } from "../../protocol/records/record-batch.js";
import { type Call, CLOSE_CONNECTION, defineHandler, NO_RESPONSE } from "../handler.js";
import { type AppendAnswer, appendProduced, failure } from "../log/append-produced.js";
import type { PartitionLog } from "../log/partition-log.js";
import { timed } from "../quotas/request-time.js";
import type { ProducerSession } from "../transactions/plan-transaction.js";
import { onlyPartition, type TransactionPartitions } from "../transactions/transaction-state.js";
import { copyOf } from "./detached-bytes.js";
import { throttleMs } from "./throttle-ms.js";
import { findTopic } from "./topic-reference.js";
import { type TransactionalDialect, transactionalDataError } from "./transaction-answers.js";

type ProduceRequest = RequestOf<typeof api>;
type Answer = ResponseInput<typeof api> | typeof CLOSE_CONNECTION | typeof NO_RESPONSE;

const DISK_FULL =
  "The broker's disk is almost full (millrace.log.free.bytes.min): delete topics or files, or lower retention.";
const EMPTY_RECORDS = "A produce request must hold exactly one record batch per partition.";

/**
 * Produce (key 0), v3-v13. v0-v2 are advertised but not served: librdkafka before 2.11 looks for version 0 to decide
 * whether gzip, snappy and lz4 are supported (KAFKA-18659), and no client sends them.
 * Appends one batch per partition as received, and answers once all of them are as durable as flush.messages requires.
 * With one replica, acks 1 and all are the same; acks=0 is not answered, and a failure then closes the connection.
 * A transactional batch is appended if its partition belongs to its producer's transaction (KIP-890).
 * v7: zstd; v8: faults by record; v9: flexible; v11: TRANSACTION_ABORTABLE; v12: transactional batches add their
 * partition to the transaction; v13: topic ids.
 */
export const produce = defineHandler(api, {
  versions: [3, 13],
  advertised: [0, 13],
  authorize: "by resource",
  handle(request, call) {
    const { acks } = request;
    const data = transactionalDataOf(request, call);
    if (typeof data === "number") return acks === 0 ? CLOSE_CONNECTION : refusal(request, data);
    if (data === undefined) return appendAll(request, undefined, call);
    const { transactionalId, session, partitions } = data;
    if (!call.access.allows("WRITE", "TRANSACTIONAL_ID", transactionalId)) {
      const denied = ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      return acks === 0 ? CLOSE_CONNECTION : refusal(request, denied);
    }
    // Nothing of it will be appended: a transaction without partitions must not begin.
    if (partitions.size === 0) return appendAll(request, { ...data, admitted: "NONE" }, call);
    const admitted = call.broker.transactions.admit(transactionalId, session, partitions, call.apiVersion >= 12);
    if (!(admitted instanceof Promise)) return appendAll(request, { ...data, admitted }, call);
    // The request's frame is reused once this returns.
    return appendLate(detached(request), data, admitted, call);
  },
  refuse: refusal,
});

/** The producer and partitions of a request's transactional batches. */
interface TransactionalData {
  readonly transactionalId: string;
  readonly session: ProducerSession;
  readonly partitions: TransactionPartitions;
}

interface AdmittedData extends TransactionalData {
  /** The coordinator's error, or NONE. */
  readonly admitted: ErrorName;
}

/** Appends a request that outlives its frame. Its bytes count until they are in the log. */
async function appendLate(
  request: ProduceRequest,
  data: TransactionalData,
  admitted: Promise<ErrorName>,
  call: Call,
): Promise<Answer> {
  const release = call.memory.hold(recordBytesOf(request));
  let answer: Answer | Promise<Answer>;
  try {
    const late = { ...data, admitted: await admitted };
    answer = timed(call.time, () => appendAll(request, late, call));
  } finally {
    release();
  }
  return answer;
}

function appendAll(request: ProduceRequest, data: AdmittedData | undefined, call: Call): Answer | Promise<Answer> {
  const { acks, topicData } = request;
  let failed = false;
  const waits: Promise<void>[] = [];
  const asked = topicData.filter(({ partitionData }) => partitionData.length > 0);
  const responses = asked.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index, records }) => {
      const { log, ...answer } = appendTo({ name, topicId, index }, records, acks, data, call);
      failed ||= answer.errorCode !== ErrorCodes.NONE;
      const response = { index, ...answer };
      // A duplicate waits, too: the batch that it repeats may not be on disk yet.
      const settled = acks !== 0 && log && answer.errorCode === ErrorCodes.NONE && log.settled(log.logEndOffset);
      if (settled) {
        waits.push(settled.catch((cause: unknown) => void Object.assign(response, storageFailure(cause, log))));
      }
      return response;
    }),
  }));
  const throttleTimeMs = throttleMs("producer_byte_rate", recordBytesOf(request), call);
  if (acks === 0) return failed ? CLOSE_CONNECTION : NO_RESPONSE;
  const response = { responses, throttleTimeMs };
  return waits.length === 0 ? response : Promise.all(waits).then(() => response);
}

/** The answer that refuses every partition of a request. */
function refusal({ topicData }: ProduceRequest, errorCode: number) {
  return {
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, ...failure(errorCode, null) })),
    })),
    throttleTimeMs: 0,
  };
}

/**
 * The transaction of a request; undefined: it has no transactional batches. An error code if it lacks a transactional
 * id, or has batches of several transactions.
 */
function transactionalDataOf(
  { transactionalId, topicData }: ProduceRequest,
  { broker, access, apiVersion }: Call,
): TransactionalData | number | undefined {
  let session: ProducerSession | undefined;
  const partitions = new Map<string, Set<number>>();
  for (const { name, topicId, partitionData } of topicData) {
    for (const { index, records } of partitionData) {
      const producer = records ? transactionalProducerOf(records) : undefined;
      if (producer === undefined) continue;
      if (transactionalId === null) return ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      session ??= producer;
      const isSame = session.producerId === producer.producerId && session.producerEpoch === producer.producerEpoch;
      if (!isSame) return ErrorCodes.INVALID_PRODUCER_ID_MAPPING;
      const { topic } = findTopic(broker.topics, name, topicId, apiVersion >= 13);
      // Others are refused when they are appended; the coordinator must not hold them.
      if (!topic?.logs[index] || topic.isInternal || !access.shows("WRITE", "TOPIC", topic.name)) continue;
      const known = partitions.get(topic.name);
      if (known) known.add(index);
      else partitions.set(topic.name, new Set([index]));
    }
  }
  return session && transactionalId !== null ? { transactionalId, session, partitions } : undefined;
}

/** A copy of a request that outlives its frame. */
function detached(request: ProduceRequest): ProduceRequest {
  const topicData = request.topicData.map((topic) => ({
    ...topic,
    partitionData: topic.partitionData.map(({ index, records }) => ({ index, records: records && copyOf(records) })),
  }));
  return { ...request, topicData };
}

function recordBytesOf({ topicData }: ProduceRequest): number {
  const bytesOf = (bytes: number, { records }: { readonly records: Buffer | null }) => bytes + (records?.length ?? 0);
  return topicData.reduce((sum, { partitionData }) => partitionData.reduce(bytesOf, sum), 0);
}

interface PartitionReference {
  readonly name: string;
  readonly topicId: string;
  readonly index: number;
}

function appendTo(
  { name, topicId, index }: PartitionReference,
  records: Buffer | null,
  acks: number,
  data: AdmittedData | undefined,
  { broker, access, apiVersion }: Call,
): AppendAnswer & { readonly log?: PartitionLog } {
  const byId = apiVersion >= 13;
  const { topic, errorCode } = findTopic(broker.topics, name, topicId, byId);
  const known = byId ? topic?.name : name;
  if (known !== undefined && !access.allows("WRITE", "TOPIC", known)) {
    return failure(ErrorCodes.TOPIC_AUTHORIZATION_FAILED, null);
  }
  const log = topic?.logs[index];
  if (!log) return failure(topic ? ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCode, null);
  if (records === null || records.length === 0) return failure(ErrorCodes.INVALID_RECORD, EMPTY_RECORDS);
  if (acks !== 0 && acks !== 1 && acks !== -1) return failure(ErrorCodes.INVALID_REQUIRED_ACKS, null);
  if (topic.isInternal) return failure(ErrorCodes.INVALID_TOPIC_EXCEPTION, "Clients may not write to internal topics.");
  if (broker.freeSpace.isLow) return failure(ErrorCodes.KAFKA_STORAGE_ERROR, DISK_FULL);
  broker.freeSpace.appended(records.length);
  const judgeTransaction = (): ErrorName => {
    if (!data) return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    const { transactionalId, session, admitted } = data;
    const judge = () => broker.transactions.judge(transactionalId, session, onlyPartition(topic.name, index));
    return transactionalDataError(admitted === "NONE" ? judge() : admitted, dialectOf(apiVersion));
  };
  const arrival = { nowMs: broker.clock.nowMs(), apiVersion, judgeTransaction };
  return { ...appendProduced(log, records, arrival, `${topic.name}-${index}`), log };
}

function dialectOf(apiVersion: number): TransactionalDialect {
  return { knowsAbortable: apiVersion >= 11, knowsConcurrent: apiVersion >= 12, retry: "NOT_ENOUGH_REPLICAS" };
}

function storageFailure(cause: unknown, { logStartOffset }: PartitionLog): AppendAnswer {
  return cause instanceof KafkaError
    ? failure(cause.code, cause.message, logStartOffset)
    : failure(ErrorCodes.UNKNOWN_SERVER_ERROR, null, logStartOffset);
}
