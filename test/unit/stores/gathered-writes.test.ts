import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import type { WritePermit } from "../../../src/stores/gathered-writes.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

const ALLOWED: WritePermit = () => {};

async function openStore() {
  const clock = new SimClock();
  const log = new MemoryLog();
  const store = new ConfigStore(
    openLogOver(log, { clock, random: new SeededRandom(1), logger: silentLogger }),
    () => {},
  );
  await store.start();
  const put = (name: string, permit = ALLOWED, value = "1") => store.putConnector(permit, name, { name, value });
  const keys = () => log.texts.map(([key]) => key);
  return { clock, log, store, put, keys };
}

test("writes of several connectors that wait together are one write", async () => {
  const { log, store, put, keys } = await openStore();
  const tasks = store.putTaskConfigs(ALLOWED, "a", [{ task: "0" }]);
  await Promise.all([tasks, put("b"), put("c")]);
  expect(log.sends).toBe(1);
  expect(keys()).toEqual(["task-a-0", "commit-a", "connector-b", "connector-c"]);
  await store.close();
});

test("two writes of one connector are two, and the second sees the first", async () => {
  const { log, store, put, keys } = await openStore();
  const seen: unknown[] = [];
  const see: WritePermit = () => void seen.push(store.snapshot().connectors.get("c")?.config["value"]);
  await Promise.all([put("c"), put("d"), put("c", see, "2")]);
  expect(keys()).toEqual(["connector-c", "connector-d", "connector-c"]);
  expect([log.sends, new Set(seen)]).toEqual([2, new Set(["1"])]);
  await store.close();
});

test("a write that is not permitted leaves the others", async () => {
  const { store, put, keys } = await openStore();
  const refused = put("a", () => {
    throw new Error("stale");
  });
  await Promise.all([expect(refused).rejects.toThrow("stale"), put("b")]);
  expect(keys()).toEqual(["connector-b"]);
  await store.close();
});

test("a large write is not gathered with others", async () => {
  const { log, store, put, keys } = await openStore();
  await Promise.all([put("a"), put("large", ALLOWED, "x".repeat(100_000)), put("b")]);
  expect(log.sends).toBe(2);
  expect(keys()).toEqual(["connector-a", "connector-b", "connector-large"]);
  await store.close();
});

test("a failure of the broker fails all that were gathered, and none after them", async () => {
  const { log, store, put, keys } = await openStore();
  log.sendError = new Error("too large");
  const failed = ["a", "b"].map((name) => expect(put(name)).rejects.toThrow("too large"));
  await Promise.all(failed);
  await put("c");
  expect(keys()).toEqual(["connector-c"]);
  await store.close();
});

test("a write that waits behind a failed one sees what the failed one has written all the same", async () => {
  const { clock, log, store, put } = await openStore();
  const once: WritePermit = (attempts) => {
    if (attempts > 0) throw new Error("no longer the leader");
  };
  const seen: unknown[] = [];
  const see: WritePermit = () => void seen.push(store.snapshot().connectors.get("c")?.config["value"]);
  log.held = true;
  log.fates.push("answer-lost");
  const failed = expect(put("c", once, "first")).rejects.toThrow("no longer the leader");
  const second = put("c", see, "second");
  await clock.advance(1_000);
  await failed;
  log.held = false;
  log.wake();
  await second;
  expect(seen.at(-1)).toBe("first");
  await store.close();
});

test("a write that waits behind an abandoned attempt sees what that has written after the topic was read again", async () => {
  const { clock, log, store, put } = await openStore();
  const seen: unknown[] = [];
  const see: WritePermit = () => void seen.push(store.snapshot().connectors.get("c")?.config["value"]);
  const gate = deferred();
  log.sendGate = gate.promise;
  const abandoned = expect(put("c", ALLOWED, "first")).rejects.toThrow("did not acknowledge within 30 s");
  const second = put("c", see, "second");
  await clock.advance(30_000);
  await abandoned;
  expect(log.texts).toEqual([]);
  log.held = true;
  log.sendGate = undefined;
  gate.resolve();
  await clock.settled();
  log.held = false;
  log.wake();
  await second;
  expect(seen.at(-1)).toBe("first");
  await store.close();
});

test("a former leader's writes end without a Kafka that answers", async () => {
  const { clock, log, store, put } = await openStore();
  let isLeader = true;
  const leads: WritePermit = () => {
    if (!isLeader) throw new Error("no longer the leader");
  };
  log.sendGate = new Promise(() => {});
  const writes = ["1", "2"].map((value) => expect(put("c", leads, value)).rejects.toThrow("no longer the leader"));
  await clock.advance(0);
  expect(log.sends).toBe(1);
  log.endsGate = new Promise(() => {});
  isLeader = false;
  store.dropWrites();
  await clock.advance(1_000);
  await Promise.all(writes);
  await store.close();
});

test("a former leader's write behind an abandoned attempt ends without a Kafka that answers", async () => {
  const { clock, log, store, put } = await openStore();
  let isLeader = true;
  const leads: WritePermit = () => {
    if (!isLeader) throw new Error("no longer the leader");
  };
  log.sendGate = new Promise(() => {});
  const abandoned = expect(put("c", leads, "1")).rejects.toThrow("did not acknowledge within 30 s");
  const behind = expect(put("c", leads, "2")).rejects.toThrow("no longer the leader");
  await clock.advance(30_000);
  await abandoned;
  log.endsGate = new Promise(() => {});
  isLeader = false;
  store.dropWrites();
  await clock.advance(0);
  await behind;
  await store.close();
});

test("every write of a failed attempt asks again before the next attempt", async () => {
  const { clock, log, store, put } = await openStore();
  const attempts: [string, number][] = [];
  const noted =
    (name: string): WritePermit =>
    (count) =>
      void attempts.push([name, count]);
  log.fates.push("refused");
  const written = Promise.all(["a", "b"].map((name) => put(name, noted(name))));
  await clock.advance(1_000);
  await written;
  expect(attempts.filter(([, count]) => count > 0)).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
  await store.close();
});
