import { expect, test } from "vitest";
import { WalLag } from "../../../../../connectors/postgres/position/wal-lag.js";
import type { Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../../../src/base/deferred.js";
import { silentLogger } from "../../../../../src/base/logger.js";

/** A server whose answers the test gives, and the position of a stream. */
class Scene {
  readonly clock = new SimClock();
  readonly warnings: string[] = [];
  readonly queries: Deferred<Lsn>[] = [];
  position = 1_000;
  requests = 0;
  readonly lag = new WalLag({
    walEnd: () => {
      const query = deferred<Lsn>();
      this.queries.push(query);
      return query.promise;
    },
    position: () => this.position as Lsn,
    requestPosition: () => {
      this.requests++;
    },
    clock: this.clock,
    logger: { ...silentLogger, warn: (message) => void this.warnings.push(message) },
  });

  async answer(end: number): Promise<void> {
    this.queries.at(-1)!.resolve(end as Lsn);
    await this.clock.settled();
  }

  async fail(): Promise<void> {
    this.queries.at(-1)!.reject(new Error("permission denied"));
    await this.clock.settled();
  }
}

test("the lag is the WAL between the position and its end, which is asked for every ten seconds", async () => {
  const scene = new Scene();
  expect(scene.lag.bytes).toBeUndefined();
  scene.lag.start();
  expect(scene.lag.bytes).toBeUndefined();
  await scene.answer(1_700);
  expect(scene.lag.bytes).toBe(700);
  scene.position = 1_600;
  expect(scene.lag.bytes).toBe(100);
  // The stream may be ahead of the last answer.
  scene.position = 2_000;
  expect(scene.lag.bytes).toBe(0);
  await scene.clock.advance(9_999);
  expect(scene.queries).toHaveLength(1);
  await scene.clock.advance(1);
  expect(scene.queries).toHaveLength(2);
  await scene.answer(2_048);
  expect(scene.lag.bytes).toBe(48);
});

test("behind the end, the server is asked how far it has sent, and once more a second later", async () => {
  const scene = new Scene();
  scene.lag.start();
  await scene.answer(1_000);
  expect(scene.requests).toBe(0);
  await scene.clock.advance(10_000);
  await scene.answer(1_500);
  expect(scene.requests).toBe(1);
  await scene.clock.advance(1_000);
  expect(scene.requests).toBe(2);
  await scene.clock.advance(9_000);
  await scene.answer(1_800);
  expect(scene.requests).toBe(3);
  scene.position = 1_800;
  await scene.clock.advance(1_000);
  expect(scene.requests).toBe(3);
});

test("without an answer the lag is unknown, and no second query is sent", async () => {
  const scene = new Scene();
  scene.lag.start();
  await scene.answer(1_700);
  await scene.clock.advance(10_000);
  expect(scene.lag.bytes).toBe(700);
  await scene.clock.advance(60_000);
  expect(scene.queries).toHaveLength(2);
  expect(scene.lag.bytes).toBeUndefined();
  await scene.answer(1_900);
  expect(scene.lag.bytes).toBe(900);
  expect(scene.warnings).toEqual([]);
});

test("a failed query makes the lag unknown, is reported once, and is repeated", async () => {
  const scene = new Scene();
  scene.lag.start();
  await scene.answer(1_700);
  for (let failures = 1; failures <= 3; failures++) {
    await scene.clock.advance(10_000);
    await scene.fail();
    expect(scene.lag.bytes).toBeUndefined();
    expect(scene.warnings).toHaveLength(1);
  }
  await scene.clock.advance(10_000);
  await scene.answer(1_700);
  expect(scene.lag.bytes).toBe(700);
  await scene.clock.advance(10_000);
  await scene.fail();
  expect(scene.warnings).toHaveLength(2);
});

test("after a stop nothing is asked, reported or pending", async () => {
  const scene = new Scene();
  scene.lag.start();
  await scene.answer(1_700);
  await scene.clock.advance(10_000);
  scene.lag.stop();
  await scene.fail();
  await scene.clock.advance(60_000);
  expect([scene.queries.length, scene.warnings, scene.lag.bytes]).toEqual([2, [], undefined]);
  expect(scene.clock.pendingTimers).toBe(0);
});
