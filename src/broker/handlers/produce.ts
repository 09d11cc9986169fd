import type { RequestOf } from "../../protocol/api.js";
import { produce as api } from "../../protocol/apis/produce.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type BatchHeader, transactionalProducerOf } from "../../protocol/records/record-batch.js";
import { type Call, CLOSE_CONNECTION, defineHandler, NO_RESPONSE } from "../handler.js";
import { type AppendAnswer, appendProduced, failure } from "../log/append-produced.js";
import type { PartitionLog } from "../log/partition-log.js";
import { findTopic } from "./topic-reference.js";

type ProduceRequest = RequestOf<typeof api>;

const DISK_FULL =
  "The broker's disk is almost full (millrace.log.free.bytes.min): delete topics or files, or lower retention.";
const EMPTY_RECORDS = "A produce request must hold exactly one record batch per partition.";

/**
 * Produce (key 0), v3-v13. v0-v2 are advertised but not served: librdkafka before 2.11 looks for version 0 to decide
 * whether gzip, snappy and lz4 are supported (KAFKA-18659), and no client sends them.
 * Appends one batch per partition as received, and answers once all of them are as durable as flush.messages requires.
 * With one replica, acks 1 and all are the same; acks=0 is not answered, and a failure then closes the connection.
 * A transactional batch begins its producer's transaction in a partition if
 * the transaction coordinator says so.
 * v7: zstd; v8: faults by record; v9: flexible; v13: topic ids.
 */
export const produce = defineHandler(api, {
  versions: [3, 13],
  advertised: [0, 13],
  handle(request, call) {
    const { transactionalId, acks, topicData } = request;
    const refused = judgeTransactionalRequest(request);
    if (refused !== undefined) return acks === 0 ? CLOSE_CONNECTION : refusal(request, refused);
    let failed = false;
    const waits: Promise<void>[] = [];
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index, records }) => {
        const { log, ...answer } = appendTo({ name, topicId, index }, records, acks, transactionalId, call);
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
    if (acks === 0) return failed ? CLOSE_CONNECTION : NO_RESPONSE;
    const response = { responses, throttleTimeMs: 0 };
    return waits.length === 0 ? response : Promise.all(waits).then(() => response);
  },
  refuse: refusal,
});

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
 * The error of a request with transactional batches that lacks a transactional id, or holds batches of several
 * transactions; undefined: neither.
 */
function judgeTransactionalRequest({ transactionalId, topicData }: ProduceRequest): number | undefined {
  let producer: number | undefined;
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      const producerId = records ? transactionalProducerOf(records) : undefined;
      if (producerId === undefined) continue;
      if (transactionalId === null) return ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      producer ??= producerId;
      if (producer !== producerId) return ErrorCodes.INVALID_PRODUCER_ID_MAPPING;
    }
  }
  return undefined;
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
  transactionalId: string | null,
  { broker, apiVersion }: Call,
): AppendAnswer & { readonly log?: PartitionLog } {
  if (records === null || records.length === 0) return failure(ErrorCodes.INVALID_RECORD, EMPTY_RECORDS);
  if (acks !== 0 && acks !== 1 && acks !== -1) return failure(ErrorCodes.INVALID_REQUIRED_ACKS, null);
  const { topic, errorCode } = findTopic(broker.topics, name, topicId, apiVersion >= 13);
  const log = topic?.logs[index];
  if (!log) return failure(topic ? ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCode, null);
  if (topic.isInternal) return failure(ErrorCodes.INVALID_TOPIC_EXCEPTION, "Clients may not write to internal topics.");
  if (broker.freeSpace.isLow) return failure(ErrorCodes.KAFKA_STORAGE_ERROR, DISK_FULL);
  broker.freeSpace.appended(records.length);
  const judgeTransaction = ({ producerId, producerEpoch }: BatchHeader): ErrorName => {
    if (transactionalId === null) return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    const write = { transactionalId, producerId, producerEpoch, topic: topic.name, partition: index, apiVersion };
    return broker.judgeTransactionalWrite(write);
  };
  const arrival = { nowMs: broker.clock.nowMs(), apiVersion, judgeTransaction };
  return { ...appendProduced(log, records, arrival, `${topic.name}-${index}`), log };
}

function storageFailure(cause: unknown, { logStartOffset }: PartitionLog): AppendAnswer {
  return cause instanceof KafkaError
    ? failure(cause.code, cause.message, logStartOffset)
    : failure(ErrorCodes.UNKNOWN_SERVER_ERROR, null, logStartOffset);
}
