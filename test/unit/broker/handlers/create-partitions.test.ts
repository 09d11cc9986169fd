import { expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { InvariantError } from "../../../../src/base/invariant-error.js";
import { createPartitions as handler } from "../../../../src/broker/handlers/create-partitions.js";
import { createPartitions as api } from "../../../../src/protocol/apis/create-partitions.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

test("a topic that is still being created when the request arrives counts towards what one request may ask for", async () => {
  const known = new Map<string, { logs: readonly unknown[] }>();
  const created = deferred();
  const topics = {
    get: (name: string) => known.get(name),
    inTurn: <T>(_: string, step: () => Promise<T>) => created.promise.then(step),
    addPartitions: () => {
      throw new InvariantError("partitions were made");
    },
  };
  const request = {
    topics: [{ name: "t", count: 2_147_483_647, assignments: null }],
    timeoutMs: 1000,
    validateOnly: false,
  };
  const answered = serve(handler, api, 3, request, { broker: { topics, nodeId: 1 } });
  known.set("t", { logs: [{}] });
  created.resolve();
  const { results } = await answered;
  expect(results.map(({ errorCode }) => errorCode)).toEqual([ErrorCodes.POLICY_VIOLATION]);
});
