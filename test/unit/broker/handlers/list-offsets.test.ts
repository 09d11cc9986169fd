import { expect, test } from "vitest";
import { listOffsets as handler } from "../../../../src/broker/handlers/list-offsets.js";
import { listOffsets as api } from "../../../../src/protocol/apis/list-offsets.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

/** Asks a broker without topics for the ends of partitions. */
async function ask(indexes: readonly number[]) {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
  const request = { replicaId: -1, topics: [{ name: "t", partitions }] };
  const answer = await serve(handler, api, 1, request, { broker: { topics: { log: () => undefined } } });
  return answer.topics[0]!.partitions;
}

test("a partition that is listed twice is answered once, with an error, in its first place", async () => {
  const answers = await ask([3, 1, 3, 2]);
  expect(answers.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
    [3, ErrorCodes.INVALID_REQUEST],
    [1, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    [2, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION],
  ]);
});

test("a request of very many partitions does not hold the broker up", async () => {
  // With a search through the list for each of them this takes minutes.
  expect(await ask(Array.from({ length: 500_000 }, (_, at) => at))).toHaveLength(500_000);
});
