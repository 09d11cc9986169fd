import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { LeaderWriter, StaleDecisionError } from "../../../../src/herder/membership/leader-writer.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import { ConfigStore } from "../../../../src/stores/config-store.js";
import { MemoryLog, openLogOver } from "../../../support/memory-log.js";
import { connectorRecords } from "../configs.js";

describe("the leader's writer", () => {
  let clock: SimClock;
  let log: MemoryLog;
  let store: ConfigStore;
  let held: boolean;

  beforeEach(async () => {
    clock = new SimClock();
    log = new MemoryLog();
    held = true;
    store = new ConfigStore(openLogOver(log, { clock, random: new SeededRandom(1), logger: silentLogger }), () => {});
    for (const record of connectorRecords("c", 1)) log.append(record);
    await store.start();
  });
  const writer = () => new LeaderWriter(store, { generation: 3, isHeld: () => held });
  const keys = () => log.texts.map(([key]) => key).slice(3);

  test("has the state for its decisions, and includes its own writes in it", async () => {
    const leader = writer();
    expect([leader.generation, leader.configOffset]).toEqual([3, 3]);
    await leader.putConnector("c", { name: "c", v: "2" });
    expect([leader.configOffset, leader.configs.connectors.get("c")?.config["v"]]).toEqual([6, "2"]);
    await leader.putConnector("c", { name: "c", v: "3" });
    expect(store.snapshot().connectors.get("c")?.config["v"]).toBe("3");
  });

  test("writes nothing to a connector that another worker has changed since, read here or not", async () => {
    const leader = writer();
    log.append(configRecord.targetState("c", "PAUSED"));
    await expect(leader.putConnector("c", { name: "c", v: "2" })).rejects.toBeInstanceOf(StaleDecisionError);
    await leader.putConnector("another", { name: "another" });
    expect(keys()).toEqual(["target-state-c", "connector-another"]);
  });

  test("writes nothing once the place is lost", async () => {
    const leader = writer();
    held = false;
    await expect(leader.removeConnector("c")).rejects.toBeInstanceOf(StaleDecisionError);
    await expect(leader.putSessionKey({ key: Buffer.alloc(1), algorithm: "a", createdMs: 1 })).rejects.toBeInstanceOf(
      StaleDecisionError,
    );
    expect(keys()).toEqual([]);
  });

  test("does not retry a write once the place is lost, and reports that it may have been written", async () => {
    log.fates.push("late");
    const refused = expect(writer().putConnector("c", { name: "c", v: "old leader" })).rejects.toMatchObject({
      code: "STORE_UNWRITABLE",
      message: expect.stringContaining("lost its place"),
    });
    await clock.advance(0);
    held = false;
    await clock.advance(5_000);
    await refused;
    log.append(configRecord.connector("c", null)); // the new leader's
    await clock.advance(600_000);
    expect([keys(), log.sends]).toEqual([["connector-c"], 1]);
    expect(store.snapshot().connectors.size).toBe(0);
  });

  test("an attempt whose answer was lost leaves the tasks of a connector complete (I5)", async () => {
    log.fates.push("answer-lost");
    const written = writer().putTaskConfigs("c", [{ task: "a" }, { task: "b" }]);
    await clock.advance(1_000);
    await written;
    expect(keys()).toEqual(["task-c-0", "task-c-1", "commit-c", "task-c-0", "task-c-1", "commit-c"]);
    expect(store.snapshot().connectors.get("c")).toMatchObject({
      inconsistent: false,
      taskConfigs: [{ task: "a" }, { task: "b" }],
    });
  });

  test("removes a connector's tasks before it stops the connector", async () => {
    await writer().stopConnector("c");
    expect(keys()).toEqual(["commit-c", "target-state-c"]);
    expect(store.snapshot().connectors.get("c")).toMatchObject({ taskConfigs: [], targetState: "STOPPED" });
  });
});
