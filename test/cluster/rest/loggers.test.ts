import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { RestClient } from "../../support/rest-client.js";
import { TestStack } from "../../support/stack.js";

describe("/admin/loggers of two workers", () => {
  const [ours, theirs] = [new LogLevels("info"), new LogLevels("info")];
  const changed = (levels: LogLevels) => new Promise((resolve) => levels.onChange(resolve));
  let stack: TestStack;
  let other: RestClient;

  beforeAll(async () => {
    stack = await TestStack.start({ levels: ours });
    other = new RestClient((await stack.startAnotherWorker({}, silentLogger, theirs)).restUrl);
  });
  afterAll(() => stack.close());

  const level = async (rest: RestClient, name: string) => (await rest.get(`/admin/loggers/${name}`)).body;
  const unchanged = { level: "INFO", last_modified: null };

  test("lists the worker's loggers and those of its plugins", async () => {
    const { status, body } = await stack.rest.get("/admin/loggers");
    expect(status).toBe(200);
    const names = Object.keys(body as object);
    expect(names).toEqual([...names].sort());
    expect(body).toMatchObject({
      root: unchanged,
      "io.debezium.connector.postgresql.PostgresConnector": unchanged,
      "org.apache.kafka.clients.consumer": unchanged,
      "org.apache.kafka.connect": unchanged,
    });
  });

  test("sets a level on one worker only", async () => {
    const { status, body } = await stack.rest.put("/admin/loggers/io.debezium", { level: "debug" });
    expect(status).toBe(200);
    expect(body).toContain("io.debezium.connector.postgresql.PostgresConnector");
    expect(await level(stack.rest, "io.debezium.connector.postgresql.PostgresConnector")).toMatchObject({
      level: "DEBUG",
      last_modified: expect.any(Number),
    });
    expect(await level(other, "io.debezium.connector.postgresql.PostgresConnector")).toEqual(unchanged);
  });

  test("sets a level on all workers, whichever was asked", async () => {
    const everywhere = Promise.all([changed(ours), changed(theirs)]);
    const { status } = await other.put("/admin/loggers/org.apache.kafka.connect?scope=cluster", { level: "warn" });
    expect(status).toBe(204);
    await everywhere;
    for (const rest of [stack.rest, other]) {
      expect(await level(rest, "org.apache.kafka.connect.runtime.Worker")).toMatchObject({ level: "WARN" });
      expect(await level(rest, "org.apache.kafka.clients")).toEqual(unchanged);
    }
  });

  test("forgets a cluster's level when a worker starts again, as Kafka Connect does", async () => {
    const levels = new LogLevels("info");
    const later = await stack.startAnotherWorker({}, silentLogger, levels);
    expect(await level(new RestClient(later.restUrl), "org.apache.kafka.connect")).toEqual(unchanged);
    await later.close();
  });
});
