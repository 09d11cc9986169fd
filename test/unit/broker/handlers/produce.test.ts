import { beforeEach, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { produce } from "../../../../src/broker/handlers/produce.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { produce as api } from "../../../../src/protocol/apis/produce.js";
import { ErrorCodes, type ErrorName } from "../../../../src/protocol/error-codes.js";
import { batchOf } from "../../../support/broker-log.js";
import { serve } from "../../../support/serve.js";
import { diskWithFolder, openOn } from "../../../support/transactional-log.js";

let log: PartitionLog;
/** Bytes of requests that are held while they wait. */
let heldBytes: number;
let admissions: number;
/** The coordinator's answer. */
let admitted: ErrorName | Promise<ErrorName>;

beforeEach(() => {
  log = openOn(diskWithFolder());
  heldBytes = 0;
  admissions = 0;
  admitted = "NONE";
});

/** A transactional batch to one partition. Returns the error code of its answer. */
async function produceTo(name: string, records: Buffer): Promise<number> {
  const broker = {
    topics: { get: (asked: string) => (asked === "t" ? { name: "t", logs: [log] } : undefined) },
    freeSpace: { isLow: false, appended: () => undefined },
    transactions: {
      admit: () => {
        admissions++;
        return admitted;
      },
      judge: () => "NONE",
    },
    clock: new SimClock(),
    logger: silentLogger,
  };
  const memory = {
    hold: (bytes: number) => {
      heldBytes += bytes;
      return () => {
        heldBytes -= bytes;
      };
    },
  };
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const request = { transactionalId: "x", acks: -1, timeoutMs: 1000, topicData };
  const answer = await serve(produce, api, 12, request, { broker, memory });
  return answer.responses[0]!.partitionResponses[0]!.errorCode;
}

const batch = () =>
  batchOf([{ value: "v" }], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true });

test("a request that waits for the coordinator counts in the memory until its records are in the log", async () => {
  const answer = deferred<ErrorName>();
  admitted = answer.promise;
  const producing = produceTo("t", batch());
  expect(heldBytes).toBe(batch().length);
  answer.resolve("NONE");
  expect(await producing).toBe(ErrorCodes.NONE);
  expect([heldBytes, log.logEndOffset]).toEqual([0, 1]);
});

test("a request that the coordinator could not judge no longer counts", async () => {
  admitted = Promise.reject(new Error("unexpected"));
  expect(await produceTo("t", batch())).toBe(ErrorCodes.UNKNOWN_SERVER_ERROR);
  expect([heldBytes, log.logEndOffset]).toEqual([0, 0]);
});

test("data for a topic that does not exist begins no transaction", async () => {
  expect(await produceTo("unknown", batch())).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  expect(admissions).toBe(0);
});
