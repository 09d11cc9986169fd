import { expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { CommitCommand } from "../../../../src/broker/groups/group-coordinator.js";
import type { Call } from "../../../../src/broker/handler.js";
import { txnOffsetCommit } from "../../../../src/broker/handlers/txn-offset-commit.js";
import { readCorrelationId, readRequestHeader } from "../../../../src/protocol/api.js";
import { txnOffsetCommit as api } from "../../../../src/protocol/apis/txn-offset-commit.js";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";

test("offsets of a topic that is deleted while they wait for the transaction are not committed: the next topic of the name would get them", async () => {
  const admitted = deferred<"NONE">();
  const committed: CommitCommand[] = [];
  let exists = true;
  const broker = {
    topics: { log: () => (exists ? {} : undefined) },
    properties: new BrokerProperties({}),
    clock: { nowMs: () => 0 },
    transactions: { admit: () => admitted.promise, judge: () => "NONE" },
    groups: {
      partitionsOf: () => new Map(),
      commit(command: CommitCommand) {
        committed.push(command);
        return ErrorCodes.NONE;
      },
      settled: () => undefined,
    },
  };
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: "" }];
  const request = {
    transactionalId: "x",
    groupId: "g",
    producerId: 1,
    producerEpoch: 0,
    generationId: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [{ name: "t", partitions }],
  };
  const body = new ByteReader(Buffer.concat(api.encodeRequest(3, 1, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const call = { broker, apiVersion, access: OPEN_ACCESS } as unknown as Call;
  const serving = txnOffsetCommit.serve({ apiVersion, correlationId, body }, call, undefined);
  exists = false;
  admitted.resolve("NONE");
  const served = Buffer.concat((await serving) as Buffer[]);
  const answer = api.decodeResponse(3, readCorrelationId(served.subarray(4)).reader);
  expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  expect(committed.flatMap(({ offsets }) => offsets)).toEqual([]);
});
