import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { ClientMeter } from "../../../../src/kafka/client-meter.js";
import { BrokerConnection } from "../../../../src/kafka/transport/broker-connection.js";
import type { Transport } from "../../../../src/kafka/transport/transport.js";
import type { ApiInfo } from "../../../../src/protocol/api.js";
import { heartbeat } from "../../../../src/protocol/apis/heartbeat.js";
import { metadata } from "../../../../src/protocol/apis/metadata.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";

const REQUEST = { groupId: "g", generationId: 1, memberId: "m" };
/** No throttling, no error. */
const GOOD = Buffer.alloc(6);

function connectionTo(versions: ReadonlyMap<number, readonly [number, number]>, answer: () => Promise<Buffer>) {
  const seen: { api: string; version: number }[] = [];
  let connects = 0;
  let closed = 0;
  const open: { isOpen: boolean; close(): void }[] = [];
  /** The number of connections at each `retire`; `answered` ends the retiring. */
  const retired: number[] = [];
  const answered = deferred();
  const transport: Transport = {
    connect() {
      connects++;
      const wire = {
        versions,
        isOpen: true,
        exchange(api: ApiInfo, version: number) {
          seen.push({ api: api.name, version });
          return answer();
        },
        post(api: ApiInfo) {
          seen.push({ api: api.name, version: -1 });
          return Promise.resolve();
        },
        retire() {
          retired.push(connects);
          return answered.promise;
        },
        close() {
          wire.isOpen = false;
          closed++;
        },
      };
      open.push(wire);
      return Promise.resolve(wire);
    },
  };
  const clock = new SimClock();
  const meter = new ClientMeter("me", clock);
  const connection = new BrokerConnection({ host: "h", port: 1 }, transport, "me", 1_000, meter);
  return { connection, clock, meter, seen, open, retired, answered, connects: () => connects, closed: () => closed };
}

test("the newest version that both sides support is used", async () => {
  const { connection, seen } = connectionTo(new Map([[12, [0, 3]]]), async () => GOOD);
  expect(await connection.send(heartbeat, REQUEST)).toMatchObject({ errorCode: 0 });
  expect(seen).toEqual([{ api: "Heartbeat", version: 3 }]);
});

test.each([
  [new Map([[12, [7, 9] as const]]), /supports versions 7 to 9, this client 0 to 4/],
  [new Map(), /does not offer this API/],
])("no common version is an error that names the versions", async (versions, message) => {
  const { connection } = connectionTo(versions, async () => GOOD);
  const sent = connection.send(heartbeat, REQUEST);
  await expect(sent).rejects.toThrow(message);
  await expect(sent).rejects.toSatisfy((error) => KafkaError.is(error, "UNSUPPORTED_VERSION"));
});

test("requests that start together share one connection; a lost one is opened again", async () => {
  const { connection, open, connects } = connectionTo(new Map([[12, [0, 3]]]), async () => GOOD);
  await Promise.all([connection.send(heartbeat, REQUEST), connection.send(heartbeat, REQUEST)]);
  expect(connects()).toBe(1);
  open[0]!.close();
  await connection.send(heartbeat, REQUEST);
  expect(connects()).toBe(2);
});

test("a connection whose session is about to end is replaced and keeps its requests in flight", async () => {
  const first = connectionTo(new Map([[12, [0, 3]]]), async () => GOOD);
  await first.connection.send(heartbeat, REQUEST);
  first.open[0]!.isOpen = false;
  await first.connection.send(heartbeat, REQUEST);
  expect(first.retired).toEqual([2]);
  expect(first.closed()).toBe(0);
  first.connection.close();
  expect(first.closed()).toBe(2);

  const second = connectionTo(new Map([[12, [0, 3]]]), async () => GOOD);
  await second.connection.send(heartbeat, REQUEST);
  second.open[0]!.isOpen = false;
  await second.connection.send(heartbeat, REQUEST);
  second.answered.resolve();
  await new SimClock().settled();
  second.connection.close();
  expect(second.closed()).toBe(1);
});

test("an unreadable answer closes the connection and can be retried", async () => {
  const { connection, open } = connectionTo(new Map([[3, [0, 12]]]), async () => Buffer.from([1, 2]));
  const sent = connection.send(metadata, { topics: [] });
  await expect(sent).rejects.toThrow(/Metadata to h:1: the broker's answer cannot be read/);
  await expect(sent).rejects.toSatisfy((error) => error instanceof KafkaError && error.retriable);
  expect(open[0]!.isOpen).toBe(false);
});

test("a closed connection stays closed", async () => {
  const { connection, connects } = connectionTo(new Map([[12, [0, 3]]]), async () => GOOD);
  connection.close();
  await expect(connection.send(heartbeat, REQUEST)).rejects.toThrow(/was closed/);
  expect(connects()).toBe(0);
});
