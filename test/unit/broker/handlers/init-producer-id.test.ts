import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/logger.js";
import { initProducerId as handler } from "../../../../src/broker/handlers/init-producer-id.js";
import { initProducerId as api } from "../../../../src/protocol/apis/init-producer-id.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

test("a producer that gets no id because the disk failed asks again, as in Kafka", async () => {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
  const state = { takeProducerId: () => Promise.reject(new Error("ENOSPC")) };
  const answer = await serve(handler, api, 4, request, { broker: { state, logger: silentLogger } });
  expect(answer).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1 });
});
