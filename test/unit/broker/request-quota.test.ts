import { beforeEach, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { OPEN_ACCESS } from "../../../src/broker/access/access.js";
import { BrokerProperties } from "../../../src/broker/broker-properties.js";
import { type Call, defineHandler, NO_RESPONSE, type Served } from "../../../src/broker/handler.js";
import { quotaKey, type StoredClientQuota } from "../../../src/broker/metadata/broker-metadata.js";
import { ClientQuotas } from "../../../src/broker/quotas/client-quotas.js";
import { RequestTime, timed } from "../../../src/broker/quotas/request-time.js";
import { type Api, readCorrelationId, readRequestHeader } from "../../../src/protocol/api.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { writeTxnMarkers } from "../../../src/protocol/apis/write-txn-markers.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";
import type { Fields, InputOf } from "../../../src/protocol/message-fields.js";

/** A clock that code moves while it works. */
class WorkClock extends SimClock {
  #workedMs = 0;

  work(ms: number): void {
    this.#workedMs += ms;
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.#workedMs;
  }
}

const REQUEST = { groupId: "g", generationId: 1, memberId: "m" };

let clock: WorkClock;
let quotas: ClientQuotas;
let muted: number[];

beforeEach(() => {
  clock = new WorkClock();
  muted = [];
  // 10 ms of each second, over ten seconds.
  const entity = { user: "ann" };
  const quota: StoredClientQuota = { entity, values: { request_percentage: 1 } };
  quotas = new ClientQuotas(
    () => ({ clientQuotas: new Map([[quotaKey(entity), quota]]) }),
    new BrokerProperties({}),
    clock,
  );
});

/** A request of Ann's, and its call. */
function asked<Q extends Fields, S extends Fields>(api: Api<Q, S>, version: number, request: InputOf<Q>) {
  const body = new ByteReader(Buffer.concat(api.encodeRequest(version, 7, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const call = {
    broker: { quotas },
    apiVersion,
    clientId: "test",
    session: { user: "ann" },
    access: OPEN_ACCESS,
    mute: (delayMs: number) => void muted.push(delayMs),
    time: new RequestTime(clock),
  } as unknown as Call;
  return { incoming: { apiVersion, correlationId, body }, call };
}

function throttleOf(served: Served): number {
  const { reader } = readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4));
  return heartbeat.decodeResponse(1, reader).throttleTimeMs;
}

test("a client that uses more than its share of the thread reads its throttle time, and is muted", async () => {
  const busy = defineHandler(heartbeat, {
    authorize: "anybody",
    versions: [0, 4],
    handle: () => {
      clock.work(60);
      return { errorCode: 0 };
    },
  });
  const serve = async () => {
    const { incoming, call } = asked(heartbeat, 1, REQUEST);
    return throttleOf(await busy.serve(incoming, call, undefined));
  };
  expect(await serve()).toBe(0);
  // 120 ms of 100.
  expect(await serve()).toBe(2000 / 2);
  expect(muted).toEqual([1000]);
});

test("the longer of two throttle times is answered", async () => {
  const busy = defineHandler(heartbeat, {
    authorize: "anybody",
    versions: [0, 4],
    handle: () => {
      clock.work(105);
      return { errorCode: 0, throttleTimeMs: 700 };
    },
  });
  const { incoming, call } = asked(heartbeat, 1, REQUEST);
  expect(throttleOf(await busy.serve(incoming, call, undefined))).toBe(700);
  expect(muted).toEqual([500]);
});

test("the time that a request waits does not count, that of its last step does", async () => {
  const waited = deferred();
  const late = defineHandler(heartbeat, {
    authorize: "anybody",
    versions: [0, 4],
    handle: async (_, { time }) => {
      await waited.promise;
      return timed(time, () => {
        clock.work(104);
        return { errorCode: 0 };
      });
    },
  });
  const { incoming, call } = asked(heartbeat, 1, REQUEST);
  const serving = late.serve(incoming, call, undefined);
  clock.work(5000);
  waited.resolve();
  expect(throttleOf(await serving)).toBe(400);
});

test("requests without an answer, and those whose answer has no throttle time, are exempt", async () => {
  const silent = defineHandler(heartbeat, {
    authorize: "anybody",
    versions: [0, 4],
    handle: () => {
      clock.work(5000);
      return NO_RESPONSE;
    },
  });
  const markers = defineHandler(writeTxnMarkers, {
    authorize: "anybody",
    versions: [1, 2],
    handle: () => {
      clock.work(5000);
      return { markers: [] };
    },
  });
  const first = asked(heartbeat, 1, REQUEST);
  await silent.serve(first.incoming, first.call, undefined);
  const second = asked(writeTxnMarkers, 1, { markers: [] });
  await markers.serve(second.incoming, second.call, undefined);
  expect(muted).toEqual([]);
  expect(quotas.size).toBe(0);
});
