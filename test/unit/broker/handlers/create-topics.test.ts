import { expect, test } from "vitest";
import { InvariantError } from "../../../../src/base/invariant-error.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { createTopics as handler } from "../../../../src/broker/handlers/create-topics.js";
import { createTopics as api } from "../../../../src/protocol/apis/create-topics.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

test("topics that leave the number of partitions to the broker count towards what one request may ask for", async () => {
  const topics = Array.from({ length: 10_001 }, (_, at) => {
    return { name: `t${at}`, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  });
  const create = () => {
    throw new InvariantError("a topic was made");
  };
  const broker = { topics: { names: () => new Set(), create }, properties: new BrokerProperties({}), nodeId: 1 };
  const { topics: answers } = await serve(handler, api, 4, { topics, validateOnly: false }, { broker });
  expect(new Set(answers.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCodes.POLICY_VIOLATION]));
});
