import { expect, test } from "vitest";
import { InvariantError } from "../../../../src/base/invariant-error.js";
import { OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { Call } from "../../../../src/broker/handler.js";
import { createTopics as handler } from "../../../../src/broker/handlers/create-topics.js";
import { readCorrelationId, readRequestHeader } from "../../../../src/protocol/api.js";
import { createTopics as api } from "../../../../src/protocol/apis/create-topics.js";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";

test("topics that leave the number of partitions to the broker count towards what one request may ask for", async () => {
  const topics = Array.from({ length: 10_001 }, (_, at) => {
    return { name: `t${at}`, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  });
  const body = new ByteReader(Buffer.concat(api.encodeRequest(4, 1, "test", { topics, validateOnly: false })), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const create = () => {
    throw new InvariantError("a topic was made");
  };
  const broker = { topics: { names: () => new Set(), create }, properties: new BrokerProperties({}), nodeId: 1 };
  const served = await handler.serve(
    { apiVersion, correlationId, body },
    { broker, apiVersion, access: OPEN_ACCESS } as unknown as Call,
    undefined,
  );
  const { reader } = readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4));
  const answers = api.decodeResponse(4, reader).topics;
  expect(new Set(answers.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCodes.POLICY_VIOLATION]));
});
