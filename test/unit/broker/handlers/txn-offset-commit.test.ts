import { beforeEach, expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { CommitCommand } from "../../../../src/broker/groups/commit-command.js";
import { txnOffsetCommit } from "../../../../src/broker/handlers/txn-offset-commit.js";
import { txnOffsetCommit as api } from "../../../../src/protocol/apis/txn-offset-commit.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

let exists: boolean;
let committed: CommitCommand[];
let heldBytes: number;
beforeEach(() => {
  exists = true;
  committed = [];
  heldBytes = 0;
});

/** Commits an offset in a transaction that the coordinator admits when `admitted` says so. */
function commit(admitted: Promise<"NONE">, committedMetadata = "") {
  const broker = {
    topics: { log: () => (exists ? {} : undefined) },
    properties: new BrokerProperties({}),
    clock: { nowMs: () => 0 },
    logger: silentLogger,
    transactions: { admit: () => admitted, judge: () => "NONE" },
    groups: {
      partitionsOf: () => new Map(),
      commit(command: CommitCommand) {
        committed.push(command);
        return ErrorCodes.NONE;
      },
      settled: () => undefined,
    },
  };
  const memory = {
    hold: (bytes: number) => {
      heldBytes += bytes;
      return () => {
        heldBytes -= bytes;
      };
    },
  };
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata }];
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
  return serve(txnOffsetCommit, api, 3, request, { broker, memory });
}

test("offsets of a topic that is deleted while they wait for the transaction are not committed: the next topic of the name would get them", async () => {
  const admitted = deferred<"NONE">();
  const serving = commit(admitted.promise);
  exists = false;
  admitted.resolve("NONE");
  const answer = await serving;
  expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  expect(committed.flatMap(({ offsets }) => offsets)).toEqual([]);
});

test("a request that waits for the coordinator counts in the memory, also if that fails", async () => {
  const admitted = deferred<"NONE">();
  const serving = commit(admitted.promise, "m".repeat(1000));
  expect(heldBytes).toBeGreaterThan(1000);
  admitted.resolve("NONE");
  await serving;
  expect([heldBytes, committed.length]).toEqual([0, 1]);
  await commit(Promise.reject(new Error("unexpected")));
  expect(heldBytes).toBe(0);
});
