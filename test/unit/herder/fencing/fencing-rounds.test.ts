import { describe, expect, test } from "vitest";
import { ConflictError } from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { FencingRounds } from "../../../../src/herder/fencing/fencing-rounds.js";
import { LeaderWriter } from "../../../../src/herder/membership/leader-writer.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import { ConfigStore } from "../../../../src/stores/config-store.js";
import { MemoryLog, openLogOver } from "../../../support/memory-log.js";

const clock = new SimClock();
const permit = () => {};

async function setUp(recordedTasks: number, tasks: number) {
  const log = new MemoryLog();
  const environment = { clock, random: new SeededRandom(1), logger: silentLogger };
  const store = new ConfigStore(openLogOver(log, environment), () => {});
  await log.send([configRecord.connector("c", { name: "c" }), configRecord.taskCount("c", recordedTasks)]);
  await store.start();
  const commit = (count: number) =>
    store.putTaskConfigs(
      permit,
      "c",
      Array.from({ length: count }, (_, task) => ({ task: String(task) })),
    );
  await commit(tasks);
  const fencings: { tasks: readonly number[]; done: Deferred<void> }[] = [];
  const rounds = new FencingRounds({
    refresh: () => store.readToEnd(),
    asLeader: (_stage, _what, step) => step(new LeaderWriter(store, { generation: 1, isHeld: () => true })),
    isSource: () => true,
    fenceProducers: (_connector, _entry, numbers) => {
      const done = deferred();
      fencings.push({ tasks: numbers, done });
      return done.promise;
    },
  });
  const counts = () => log.texts.filter(([key]) => key === "tasks-fencing-c").map(([, value]) => value);
  return { rounds, fencings, commit, counts };
}

describe("the leader's fencing", () => {
  test("fences the recorded tasks once for all that ask, then records the new number", async () => {
    const { rounds, fencings, counts } = await setUp(2, 3);
    const asked = [rounds.fence("c"), rounds.fence("c"), rounds.fence("c")];
    await clock.settled();
    expect(fencings.map(({ tasks }) => tasks)).toEqual([[0, 1]]);
    expect(counts()).toHaveLength(1);
    fencings[0]!.done.resolve();
    await Promise.all(asked);
    expect(counts().at(-1)).toBe('{"task-count":3}');
    await rounds.fence("c");
    expect(fencings).toHaveLength(1);
  });

  test("fences nobody where one task follows one, and records that", async () => {
    const { rounds, fencings, counts } = await setUp(1, 1);
    await rounds.fence("c");
    expect([fencings.length, counts().length]).toEqual([0, 2]);
  });

  test("that new task configurations overtake fails, and records nothing", async () => {
    const { rounds, fencings, commit, counts } = await setUp(2, 2);
    const overtaken = rounds.fence("c");
    await clock.settled();
    await commit(4);
    fencings[0]!.done.resolve();
    await expect(overtaken).rejects.toBeInstanceOf(ConflictError);
    expect(counts()).toHaveLength(1);
    const again = rounds.fence("c");
    await clock.settled();
    fencings[1]!.done.resolve();
    await again;
    expect(counts().at(-1)).toBe('{"task-count":4}');
  });

  test.each([
    ["COORDINATOR_NOT_AVAILABLE", "RetriableError"],
    ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "ConfigError"],
  ] as const)("that Kafka answers with %s is a %s, and can be asked for again", async (code, name) => {
    const { rounds, fencings, counts } = await setUp(2, 2);
    const failed = rounds.fence("c");
    await clock.settled();
    fencings[0]!.done.reject(new KafkaError(code, "Fencing"));
    await expect(failed).rejects.toMatchObject({ name, code: "FENCING_FAILED" });
    const again = rounds.fence("c");
    await clock.settled();
    fencings[1]!.done.resolve();
    await again;
    expect(counts()).toHaveLength(2);
  });
});
