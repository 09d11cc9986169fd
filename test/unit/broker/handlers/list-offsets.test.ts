import { expect, test } from "vitest";
import { OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import type { Call } from "../../../../src/broker/handler.js";
import { listOffsets as handler } from "../../../../src/broker/handlers/list-offsets.js";
import { readCorrelationId, readRequestHeader } from "../../../../src/protocol/api.js";
import { listOffsets as api } from "../../../../src/protocol/apis/list-offsets.js";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";

/** Asks a broker without topics for the ends of partitions. */
async function ask(indexes: readonly number[]) {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
  const request = { replicaId: -1, topics: [{ name: "t", partitions }] };
  const body = new ByteReader(Buffer.concat(api.encodeRequest(1, 1, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const call = { broker: { topics: { log: () => undefined } }, apiVersion, access: OPEN_ACCESS } as unknown as Call;
  const served = await handler.serve({ apiVersion, correlationId, body }, call, undefined);
  const { reader } = readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4));
  return api.decodeResponse(1, reader).topics[0]!.partitions;
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
