import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { type Call, defineHandler, type Served } from "../../../src/broker/handler.js";
import { readRequestHeader } from "../../../src/protocol/api.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";

test("a request that waits for its answer does not keep its frame in memory", async () => {
  const answer = deferred<{ errorCode: number }>();
  const handler = defineHandler(heartbeat, { authorize: "anybody", versions: [0, 4], handle: () => answer.promise });
  const collected = deferred();
  const registry = new FinalizationRegistry(() => collected.resolve());
  // In a function of its own, so that no variable of the test holds the frame.
  const serve = (): Served | Promise<Served> => {
    const request = { groupId: "g", generationId: 1, memberId: "m" };
    const body = new ByteReader(Buffer.concat(heartbeat.encodeRequest(0, 7, "test", request)), 4);
    const { apiVersion, correlationId } = readRequestHeader(body);
    registry.register(body, undefined);
    return handler.serve({ apiVersion, correlationId, body }, { apiVersion } as Call, undefined);
  };
  const served = serve();
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  await collected.promise;
  answer.resolve({ errorCode: 27 });
  expect(Buffer.concat((await served) as Buffer[])).toEqual(
    Buffer.concat(heartbeat.encodeResponse(0, 7, { errorCode: 27 })),
  );
});
