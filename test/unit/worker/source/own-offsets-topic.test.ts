import { describe, expect, test } from "vitest";
import { ownOffsetsTopic, requireOneCluster } from "../../../../src/worker/source/own-offsets-topic.js";

const WORKER = { "bootstrap.servers": "a:1, b:2", "offset.storage.topic": "offsets", "group.id": "g" };
const EXACTLY_ONCE = { ...WORKER, "exactly.once.source.support": "enabled" };
const ELSEWHERE = { "producer.override.bootstrap.servers": "c:3" };

describe("a source's own offsets topic", () => {
  test.each<[object, object, string | undefined]>([
    [WORKER, {}, undefined],
    [WORKER, { "offsets.storage.topic": " mine " }, "mine"],
    [WORKER, { "offsets.storage.topic": " " }, undefined],
    [WORKER, { "offsets.storage.topic": "offsets" }, undefined],
    [WORKER, { "offsets.storage.topic": "offsets", "producer.override.bootstrap.servers": "b:2,a:1" }, undefined],
    [WORKER, { "offsets.storage.topic": "offsets", ...ELSEWHERE }, "offsets"],
    [WORKER, ELSEWHERE, undefined],
    [EXACTLY_ONCE, {}, undefined],
    [EXACTLY_ONCE, ELSEWHERE, "offsets"],
    [EXACTLY_ONCE, { "offsets.storage.topic": "mine", ...ELSEWHERE }, "mine"],
    [{ ...WORKER, "exactly.once.source.support": "unavailable" }, { "offsets.storage.topic": "offsets" }, "offsets"],
  ])("of a worker with %j and a connector with %j is %s", (worker, connector, topic) => {
    expect(ownOffsetsTopic({ ...worker }, { ...connector }, "c")?.topic).toBe(topic);
  });

  test("is reached with the settings of the connector's clients", () => {
    const connector = {
      "offsets.storage.topic": "mine",
      ...ELSEWHERE,
      "producer.override.transactional.id": "x",
      "producer.override.linger.ms": "7",
      "consumer.override.bootstrap.servers": "d:4",
      "consumer.override.group.id": "x",
      "admin.override.bootstrap.servers": "e:5",
    };
    const plan = ownOffsetsTopic({ ...EXACTLY_ONCE, "consumer.fetch.min.bytes": "3" }, connector, "c")!;
    expect(plan.producer).toMatchObject({ "bootstrap.servers": "c:3", "linger.ms": "7" });
    expect(plan.producer).not.toHaveProperty("transactional.id");
    expect(plan.consumer).toMatchObject({ "bootstrap.servers": "d:4", "fetch.min.bytes": "3" });
    expect(plan.consumer).not.toHaveProperty("group.id");
    expect(plan.admin).toMatchObject({ "bootstrap.servers": "e:5" });
  });

  test("must be read and created in the cluster that it is written to", () => {
    const plan = ownOffsetsTopic(EXACTLY_ONCE, ELSEWHERE, "c")!;
    const ids = { producer: "P", consumer: "P", admin: "P" };
    const requiring = (other: object) => () => requireOneCluster(plan, { ...ids, ...other });
    expect(requiring({ consumer: "W" })).toThrow(
      /^Invalid value a:1, b:2 for configuration consumer\.override\.bootstrap\.servers: topic offsets, .*\(c:3\)/,
    );
    expect(requiring({ admin: "W" })).toThrow(/configuration admin\.override\.bootstrap\.servers: /);
    expect(requiring({})).not.toThrow();
    expect(requiring({ admin: "" })).not.toThrow();
  });

  test("is not reached with overrides that the worker forbids", () => {
    const worker = { ...EXACTLY_ONCE, "connector.client.config.override.policy": "None" };
    expect(() => ownOffsetsTopic(worker, ELSEWHERE, "c")).toThrow(/producer\.override\.bootstrap\.servers/);
  });
});
