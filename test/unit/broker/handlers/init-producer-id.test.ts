import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/logger.js";
import { OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import type { Call } from "../../../../src/broker/handler.js";
import { initProducerId as handler } from "../../../../src/broker/handlers/init-producer-id.js";
import { readCorrelationId, readRequestHeader } from "../../../../src/protocol/api.js";
import { initProducerId as api } from "../../../../src/protocol/apis/init-producer-id.js";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";

test("a producer that gets no id because the disk failed asks again, as in Kafka", async () => {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
  const body = new ByteReader(Buffer.concat(api.encodeRequest(4, 1, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const state = { takeProducerId: () => Promise.reject(new Error("ENOSPC")) };
  const call = { broker: { state, logger: silentLogger }, apiVersion, access: OPEN_ACCESS } as unknown as Call;
  const served = await handler.serve({ apiVersion, correlationId, body }, call, undefined);
  const { reader } = readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4));
  const answer = api.decodeResponse(4, reader);
  expect(answer).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1 });
});
