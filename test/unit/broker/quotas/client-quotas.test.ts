import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { quotaKey, type StoredClientQuota } from "../../../../src/broker/metadata/broker-metadata.js";
import type { QuotaEntity } from "../../../../src/broker/quotas/client-quota.js";
import { ClientQuotas } from "../../../../src/broker/quotas/client-quotas.js";

const RATE = "producer_byte_rate";

function rig() {
  const clock = new SimClock();
  const clientQuotas = new Map<string, StoredClientQuota>();
  const quotas = new ClientQuotas(() => ({ clientQuotas }), new BrokerProperties({}), clock);
  const set = (entity: QuotaEntity, value: number, key: string = RATE) =>
    clientQuotas.set(quotaKey(entity), { entity, values: { [key]: value } });
  return { clock, clientQuotas, quotas, set };
}

test("the quota of a user with its client id goes before that of the user, and that before the defaults", () => {
  const { clientQuotas, quotas, set } = rig();
  const order: readonly QuotaEntity[] = [
    { "client-id": null },
    { "client-id": "c" },
    { user: null },
    { user: null, "client-id": null },
    { user: null, "client-id": "c" },
    { user: "u" },
    { user: "u", "client-id": null },
    { "client-id": "c", user: "u" },
  ];
  expect(quotas.windowBytes(RATE, "u", "c")).toBe(Number.POSITIVE_INFINITY);
  for (const [at, entity] of order.entries()) {
    set(entity, at + 1);
    expect(quotas.windowBytes(RATE, "u", "c")).toBe(10 * (at + 1));
  }
  expect(clientQuotas.size).toBe(order.length);
  expect(quotas.windowBytes("consumer_byte_rate", "u", "c")).toBe(Number.POSITIVE_INFINITY);
});

test("all client ids of a user share its quota; a default is one for each user", () => {
  const { quotas, set } = rig();
  set({ user: "u" }, 100);
  set({ user: null }, 100);
  expect(quotas.record(RATE, "u", "a", 1000)).toBe(0);
  expect(quotas.record(RATE, "u", "b", 100)).toBe(1000);
  expect(quotas.record(RATE, "v", "a", 1000)).toBe(0);
  expect(quotas.record("consumer_byte_rate", "u", "a", 1_000_000)).toBe(0);
});

test("each client id has its own quota of a user's default of client ids", () => {
  const { quotas, set } = rig();
  set({ user: "u", "client-id": null }, 100);
  expect(quotas.record(RATE, "u", "a", 1100)).toBe(1000);
  expect(quotas.record(RATE, "u", "b", 1000)).toBe(0);
});

test("a request that takes long counts against its client's share of the thread, and delays it by one sample at most", async () => {
  const { clock, quotas, set } = rig();
  expect(quotas.areSet).toBe(false);
  // 10 ms each second, over ten seconds.
  set({ user: "u" }, 1, "request_percentage");
  expect(quotas.areSet).toBe(true);
  expect(quotas.recordTime("u", "a", 100)).toBe(0);
  expect(quotas.recordTime("u", "b", 5)).toBe(500);
  expect(quotas.recordTime("u", "a", 500)).toBe(1000);
  expect(quotas.recordTime("v", "a", 1_000_000)).toBe(0);
  expect(quotas.record(RATE, "u", "a", 1_000_000)).toBe(0);
  await clock.advance(11_000);
  expect(quotas.recordTime("u", "a", 100)).toBe(0);
});

test("clients that have been silent are forgotten", async () => {
  const { clock, quotas, set } = rig();
  set({ "client-id": null }, 100);
  for (let id = 0; id < 50; id++) quotas.record(RATE, "u", String(id), 1);
  expect(quotas.size).toBe(50);
  await clock.advance(12_000);
  quotas.record(RATE, "u", "new", 1);
  expect(quotas.size).toBe(1);
});

test("clients with an enormous quota of partitions are forgotten, too", async () => {
  const { clock, quotas, set } = rig();
  set({ "client-id": null }, Number.MAX_VALUE, "controller_mutation_rate");
  for (const id of ["a", "b"]) expect(quotas.takeMutations("u", id, 1, true)).toEqual({ isTaken: true, throttleMs: 0 });
  await clock.advance(12_000);
  quotas.takeMutations("u", "c", 1, true);
  expect(quotas.size).toBe(1);
});

test("an address that connects too often waits, and what was closed does not count", async () => {
  const { clock, quotas, set } = rig();
  set({ ip: null }, 1, "connection_creation_rate");
  set({ ip: "127.0.0.2" }, 2, "connection_creation_rate");
  const connect = (address: string, times: number) => {
    let waitMs = 0;
    for (let at = 0; at < times; at++) waitMs = quotas.recordConnection(address);
    return waitMs;
  };
  expect(connect("::ffff:127.0.0.1", 10)).toBe(0);
  expect(connect("127.0.0.1", 5)).toBe(1000);
  expect(connect("127.0.0.2", 20)).toBe(0);
  expect(connect("::1", 10)).toBe(0);
  expect(connect("0:0:0:0:0:0:0:1", 1)).toBe(1000);
  await clock.advance(11_000);
  expect(connect("127.0.0.1", 10)).toBe(0);
});

const MUTATIONS = "controller_mutation_rate";

test("a client creates as many partitions as its window holds, and then waits for what it took beyond", async () => {
  const { clock, quotas, set } = rig();
  set({ "client-id": null }, 2, MUTATIONS);
  const take = (partitions: number, isStrict = true) => quotas.takeMutations("u", "c", partitions, isStrict);
  expect(take(22)).toEqual({ isTaken: true, throttleMs: 0 });
  expect(take(5)).toEqual({ isTaken: true, throttleMs: 0 });
  expect(take(1)).toEqual({ isTaken: false, throttleMs: 2500 });
  expect(quotas.takeMutations("u", "other", 1, true)).toEqual({ isTaken: true, throttleMs: 0 });
  await clock.advance(2499);
  expect(take(1)).toEqual({ isTaken: false, throttleMs: 1 });
  await clock.advance(1);
  expect(take(3)).toEqual({ isTaken: true, throttleMs: 0 });
});

test("a client that does not know the error is served, and waits", () => {
  const { quotas, set } = rig();
  set({ user: "u" }, 2, MUTATIONS);
  const take = (partitions: number) => quotas.takeMutations("u", "c", partitions, false);
  expect(take(23)).toEqual({ isTaken: true, throttleMs: 500 });
  expect(take(1)).toEqual({ isTaken: true, throttleMs: 1000 });
});

test("a client that has got back all that it took is forgotten", async () => {
  const { clock, quotas, set } = rig();
  set({ user: "u" }, 2, MUTATIONS);
  set({ user: null }, 1, RATE);
  quotas.takeMutations("u", "c", 33, true);
  await clock.advance(16_000);
  quotas.record(RATE, "v", "c", 1);
  expect(quotas.size).toBe(2);
  await clock.advance(11_000);
  quotas.record(RATE, "w", "c", 1);
  expect(quotas.size).toBe(1);
});

test("a throttle time never exceeds what an answer can hold", () => {
  const { quotas, set } = rig();
  const longest = 2 ** 31 - 1;
  set({ "client-id": "a" }, 1);
  expect(quotas.record(RATE, "u", "a", 3_000_000)).toBe(longest);
  set({ "client-id": "a" }, 0.0001, "controller_mutation_rate");
  expect(quotas.takeMutations("u", "a", 1000, false)).toEqual({ isTaken: true, throttleMs: longest });
  expect(quotas.takeMutations("u", "a", 1000, true)).toEqual({ isTaken: false, throttleMs: longest });
});
