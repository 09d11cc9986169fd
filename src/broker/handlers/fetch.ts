import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { fetch as api } from "../../protocol/apis/fetch.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type Call, defineHandler } from "../handler.js";
import type { PartitionLog } from "../log/partition-log.js";
import { endOfBatches } from "../log/segments/batch-walk.js";
import type { Isolation } from "../log/waiting-readers.js";
import { timed } from "../quotas/request-time.js";
import { isIsolationLevel, isolationOf } from "./isolation-level.js";
import { throttleMs } from "./throttle-ms.js";
import { findTopic, leaderEpochFault } from "./topic-reference.js";

type FetchRequest = RequestOf<typeof api>;
type FetchResponse = ResponseInput<typeof api>;
type PartitionRequest = FetchRequest["topics"][number]["partitions"][number];
type PartitionResponse = FetchResponse["responses"][number]["partitions"][number];

const NO_RECORDS = Buffer.alloc(0);
/** Epochs of requests for all partitions. */
const NEW_SESSION = 0;
const NO_SESSION = -1;

/**
 * Fetch (key 1), v4-v18.
 * Answers whole batches, from the one that holds the fetch offset on; the first partition with data always returns at
 * least one. With less than minBytes it waits for appends, or for the ends of transactions if it reads committed records:
 * these end at the last stable offset, and the answer names the aborted transactions among them. Fetch sessions (v7+)
 * are not kept: the session id is always 0, so clients send the full request each time (KIP-227 allows it).
 * v5: log start; v9: leader epochs; v12: flexible; v13: topic ids.
 */
export const fetch = defineHandler(api, {
  versions: [4, 18],
  authorize: "by resource",
  handle(request, call) {
    const { sessionEpoch, maxWaitMs, minBytes } = request;
    if (sessionEpoch !== NEW_SESSION && sessionEpoch !== NO_SESSION) {
      return refusedFetch(ErrorCodes.FETCH_SESSION_ID_NOT_FOUND);
    }
    if (!isIsolationLevel(request.isolationLevel)) return refusedAll(request, ErrorCodes.UNKNOWN_SERVER_ERROR);
    for (const name of deniedTopics(request, call)) call.access.allows("READ", "TOPIC", name);
    const wantedBytes = Math.min(minBytes, maxBytesOf(request, call));
    const missingBytes = maxWaitMs <= 0 || request.topics.length === 0 ? 0 : missingOf(request, call, wantedBytes);
    if (missingBytes <= 0) return answer(request, call);
    return waitForBytes(request, call, missingBytes).then(() => timed(call.time, () => answer(request, call)));
  },
  refuse: refusedAll,
});

function maxBytesOf({ maxBytes }: FetchRequest, { broker, session, clientId }: Call): number {
  const ofQuota = broker.quotas.windowBytes("consumer_byte_rate", session.user, clientId);
  return Math.min(maxBytes, broker.properties.number("fetch.max.bytes"), ofQuota);
}

/**
 * The bytes that are missing to `wantedBytes`, without a read of the disk for a reader that continues; 0 when a partition
 * has an error, which is answered without waiting.
 */
function missingOf(request: FetchRequest, call: Call, wantedBytes: number): number {
  const isolation = isolationOf(request.isolationLevel);
  let missing = wantedBytes;
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      const log = logFor(topic, topicId, asked, call);
      if (typeof log === "number") return 0;
      const bytes = sizeOf(log, asked, isolation);
      missing -= bytes ?? missing;
      if (missing <= 0) return 0;
    }
  }
  return missing;
}

/** The bytes that can be fetched of a partition; undefined: it has an error. */
function sizeOf(
  log: PartitionLog,
  { fetchOffset, partitionMaxBytes }: PartitionRequest,
  isolation: Isolation,
): number | undefined {
  try {
    return Math.min(log.reader.readableBytes(fetchOffset, log.endFor(isolation)), partitionMaxBytes);
  } catch (error) {
    if (error instanceof KafkaError) return undefined;
    throw error;
  }
}

/** Reads all requested partitions, once there is memory for their records. */
function answer(request: FetchRequest, call: Call): FetchResponse | Promise<FetchResponse> {
  const { memory, closed } = call;
  if (memory.roomBytes > 0 || closed.aborted || !hasRecords(request, call)) return collect(request, call);
  return memory.room().then(() => timed(call.time, () => answer(request, call)));
}

function hasRecords({ topics, isolationLevel }: FetchRequest, call: Call): boolean {
  const isolation = isolationOf(isolationLevel);
  return topics.some(({ topic, topicId, partitions }) =>
    partitions.some((asked) => {
      const log = logFor(topic, topicId, asked, call);
      return typeof log !== "number" && asked.fetchOffset < log.endFor(isolation);
    }),
  );
}

function collect(request: FetchRequest, call: Call): FetchResponse {
  const limit = Math.min(maxBytesOf(request, call), call.memory.roomBytes);
  const isolation = isolationOf(request.isolationLevel);
  let bytes = 0;
  const responses = request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map((asked) => {
      const found = logFor(topic, topicId, asked, call);
      if (typeof found === "number") return refusedPartition(asked.partition, found);
      const records = readFrom(found, asked, limit - bytes, bytes === 0, isolation, call);
      if (typeof records === "number") return refusedPartition(asked.partition, records);
      bytes += records.length;
      return readPartition(asked, found, records, isolation);
    }),
  }));
  call.memory.reserve(bytes);
  return { throttleTimeMs: throttleMs("consumer_byte_rate", bytes, call), responses };
}

/** Batches of one partition, or the error code of a failing disk; the other partitions are still served. */
function readFrom(
  log: PartitionLog,
  { fetchOffset, partitionMaxBytes }: PartitionRequest,
  remainingBytes: number,
  atLeastOne: boolean,
  isolation: Isolation,
  { memory }: Call,
): Buffer | number {
  try {
    const maxBytes = Math.min(partitionMaxBytes, remainingBytes);
    return log.reader.read(fetchOffset, maxBytes, atLeastOne, log.endFor(isolation), memory.take);
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

/** The log of a requested partition, or an error code. */
function logFor(name: string, topicId: string, asked: PartitionRequest, call: Call): PartitionLog | number {
  const byId = call.apiVersion >= 13;
  const { topic, errorCode } = findTopic(call.broker.topics, name, topicId, byId);
  const known = byId ? topic?.name : name;
  // Not logged here: this is called several times for a request.
  if (known !== undefined && !call.access.shows("READ", "TOPIC", known)) return ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
  if (!topic) return errorCode;
  const log = topic.logs[asked.partition];
  if (!log) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  // Its end may be unknown: out of range, a consumer would give up its position.
  if (log.offline) return log.offline.code;
  const fault = leaderEpochFault(asked.currentLeaderEpoch, log.leaderEpoch);
  if (fault !== ErrorCodes.NONE) return fault;
  const { fetchOffset } = asked;
  return fetchOffset < log.logStartOffset || fetchOffset > log.highWatermark ? ErrorCodes.OFFSET_OUT_OF_RANGE : log;
}

/** The topics of a request that the client may not read, for the log. */
function deniedTopics({ topics }: FetchRequest, { broker, access, apiVersion }: Call): string[] {
  if (!broker.authorizer) return [];
  return topics.flatMap(({ topic, topicId }) => {
    const name = apiVersion >= 13 ? broker.topics.byId(topicId)?.name : topic;
    return name === undefined || access.shows("READ", "TOPIC", name) ? [] : [name];
  });
}

/** Resolves once about `missingBytes` more are readable, time is up, a log is deleted, or the client disconnects. */
function waitForBytes(request: FetchRequest, call: Call, missingBytes: number): Promise<void> {
  const isolation = isolationOf(request.isolationLevel);
  return new Promise((resolve) => {
    let missing = missingBytes;
    const unwatch: (() => void)[] = [];
    const finish = () => {
      for (const stop of unwatch.splice(0)) stop();
      timer.cancel();
      call.closed.removeEventListener("abort", finish);
      resolve();
    };
    const timer = call.broker.clock.schedule(request.maxWaitMs, finish);
    call.closed.addEventListener("abort", finish, { once: true });
    if (call.closed.aborted) {
      finish();
      return;
    }
    for (const { topic, topicId, partitions } of request.topics) {
      for (const asked of partitions) {
        const log = logFor(topic, topicId, asked, call);
        if (typeof log === "number") continue;
        const appended = (bytes: number) => {
          missing -= Math.min(bytes, asked.partitionMaxBytes);
          if (missing <= 0) finish();
        };
        unwatch.push(log.watch(isolation, appended));
      }
    }
  });
}

function readPartition(
  { partition, fetchOffset }: PartitionRequest,
  log: PartitionLog,
  records: Buffer,
  isolation: Isolation,
): PartitionResponse {
  const { highWatermark, lastStableOffset, logStartOffset } = log;
  return {
    partitionIndex: partition,
    errorCode: ErrorCodes.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: isolation === "read_committed" ? abortedIn(log, fetchOffset, records) : null,
    records,
  };
}

/** The aborted transactions with batches in `records`, which were read from `fetchOffset` on. */
function abortedIn(log: PartitionLog, fetchOffset: number, records: Buffer) {
  if (records.length === 0) return [];
  const aborted = log.reader.abortedTransactions(fetchOffset, endOfBatches(records));
  return aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
}

function refusedPartition(partitionIndex: number, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, highWatermark: -1, abortedTransactions: null, records: NO_RECORDS };
}

function refusedAll({ topics }: FetchRequest, errorCode: number): FetchResponse {
  const responses = topics.map(({ topic, topicId, partitions }) => {
    return { topic, topicId, partitions: partitions.map(({ partition }) => refusedPartition(partition, errorCode)) };
  });
  return { ...refusedFetch(errorCode), responses };
}

function refusedFetch(errorCode: number): FetchResponse {
  return { throttleTimeMs: 0, errorCode, responses: [] };
}
