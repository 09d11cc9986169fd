import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileText } from "../../support/file-watch.js";
import { TestStack } from "../../support/stack.js";

const SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";

describe("a connector's life over REST", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await TestStack.start();
  });
  afterAll(() => stack.close());

  const source = (name: string, topic = `${name}-topic`) => {
    const file = join(stack.folder, `${name}.txt`);
    writeFileSync(file, "to be\nor not to be\n");
    return { "connector.class": SOURCE, file, topic };
  };

  test("runs after POST, with its task, and is listed", async () => {
    const config = source("lines");
    const created = await stack.rest.post("/connectors", { name: "lines", config });
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe(`${stack.rest.url}/connectors/lines`);
    expect(created.body).toEqual({ name: "lines", config: { ...config, name: "lines" }, tasks: [], type: "source" });
    const { connector } = await stack.statuses.running("lines");
    expect(connector).toMatchObject({ state: "RUNNING", trace: null, version: "4.3.1" });
    expect((await stack.rest.get("/connectors")).body).toEqual(["lines"]);
    expect((await stack.rest.get("/connectors/lines")).body).toMatchObject({
      tasks: [{ connector: "lines", task: 0 }],
    });
    expect((await stack.rest.get("/connectors/lines/tasks")).body).toMatchObject([
      {
        id: { connector: "lines", task: 0 },
        config: { "task.class": "org.apache.kafka.connect.file.FileStreamSourceTask" },
      },
    ]);
  });

  test("pauses and resumes with its tasks", async () => {
    await stack.rest.create("resting", source("resting"));
    await stack.statuses.running("resting");
    expect((await stack.rest.put("/connectors/resting/pause")).status).toBe(202);
    const paused = await stack.statuses.until(
      "resting",
      ({ connector, tasks }) => connector?.state === "PAUSED" && tasks[0]?.[1].state === "PAUSED",
    );
    expect(paused.tasks).toHaveLength(1);
    expect((await stack.rest.put("/connectors/resting/resume")).status).toBe(202);
    await stack.statuses.running("resting");
  });

  test("has no tasks while it is stopped, and gets them back when it is resumed", async () => {
    await stack.rest.create("stopping", source("stopping"));
    await stack.statuses.running("stopping");
    expect((await stack.rest.put("/connectors/stopping/stop")).status).toBe(204);
    await stack.statuses.until(
      "stopping",
      ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0,
    );
    expect((await stack.rest.get("/connectors/stopping/tasks")).body).toEqual([]);
    const restart = await stack.rest.post("/connectors/stopping/tasks/0/restart");
    expect(restart).toMatchObject({ status: 404, body: { error_code: 404, message: "Unknown task: stopping-0" } });
    expect((await stack.rest.put("/connectors/stopping/resume")).status).toBe(202);
    await stack.statuses.running("stopping");
  });

  test("is created in the requested state", async () => {
    await stack.rest.create("later", source("later"), "STOPPED");
    await stack.statuses.until("later", ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0);
    await stack.rest.put("/connectors/later/resume");
    await stack.statuses.running("later");
  });

  test("restarts alone, with its tasks, or only one task", async () => {
    await stack.rest.create("again", source("again"));
    await stack.statuses.running("again");
    expect((await stack.rest.post("/connectors/again/restart")).status).toBe(204);
    const restarted = stack.statuses.until("again", ({ tasks }) => tasks[0]?.[1].state === "RESTARTING");
    const answer = await stack.rest.post("/connectors/again/restart?includeTasks=true");
    expect(answer).toMatchObject({
      status: 202,
      body: { connector: { state: "RESTARTING" }, tasks: [{ id: 0, state: "RESTARTING" }] },
    });
    await restarted;
    await stack.statuses.running("again");
    expect((await stack.rest.post("/connectors/again/tasks/0/restart")).status).toBe(204);
    expect((await stack.rest.post("/connectors/again/restart?onlyFailed=true&includeTasks=true")).body).toMatchObject({
      connector: { state: "RUNNING" },
    });
  });

  test("takes a new config, and its tasks start again with it", async () => {
    const config = source("changing");
    await stack.rest.create("changing", config);
    await stack.statuses.running("changing");
    const answer = await stack.rest.put("/connectors/changing/config", { ...config, topic: "changed" });
    expect(answer.status).toBe(200);
    await stack.statuses.until("changing", ({ tasks }) => tasks[0]?.[1].state === "RUNNING");
    expect((await stack.rest.get("/connectors/changing/config")).body).toEqual({
      ...config,
      topic: "changed",
      name: "changing",
    });
    const patched = await stack.rest.send("PATCH", "/connectors/changing/config", {
      topic: "patched",
      "batch.size": 7,
    });
    expect(patched).toMatchObject({ status: 200, body: { config: { topic: "patched", "batch.size": "7" } } });
  });

  test("has as many tasks and task statuses as configured", async () => {
    const sink = { "connector.class": "FileStreamSink", topics: "wide-topic", file: join(stack.folder, "wide.txt") };
    await stack.rest.create("wide", { ...sink, "tasks.max": "3" });
    await stack.statuses.running("wide", 3);
    for (const tasks of [1, 4]) {
      expect((await stack.rest.put("/connectors/wide/config", { ...sink, "tasks.max": tasks })).status).toBe(200);
      await stack.statuses.running("wide", tasks);
    }
    expect((await stack.rest.get("/connectors/wide/tasks")).body).toHaveLength(4);
  });

  test("shows why a task has FAILED, and runs again after a fix and a restart", async () => {
    const folder = join(stack.folder, "not-there-yet");
    const file = join(folder, "copy.txt");
    await stack.rest.create("failing", { "connector.class": "FileStreamSink", topics: "failing-topic", file });
    const failed = await stack.statuses.until("failing", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
    expect(failed.connector?.state).toBe("RUNNING");
    expect((await stack.rest.get("/connectors/failing/status")).body).toMatchObject({
      tasks: [{ id: 0, state: "FAILED", trace: expect.stringContaining(file) }],
    });
    mkdirSync(folder);
    const answer = await stack.rest.post("/connectors/failing/restart?includeTasks=true&onlyFailed=true");
    expect(answer).toMatchObject({
      status: 202,
      body: { connector: { state: "RUNNING" }, tasks: [{ state: "RESTARTING" }] },
    });
    await stack.statuses.running("failing");
    expect((await stack.rest.get("/connectors/failing/tasks/0/status")).body).not.toHaveProperty("trace");
  });

  test("is gone after DELETE, and its name is free again", async () => {
    await stack.rest.create("passing", source("passing"));
    await stack.statuses.running("passing");
    expect((await stack.rest.delete("/connectors/passing")).status).toBe(204);
    expect(await stack.rest.get("/connectors/passing")).toMatchObject({ status: 404 });
    await stack.statuses.gone("passing");
    expect(await stack.rest.delete("/connectors/passing")).toMatchObject({
      status: 404,
      body: { error_code: 404, message: "Connector passing not found" },
    });
    await stack.rest.create("passing", source("passing"));
    await stack.statuses.running("passing");
  });

  test.each(["a/b", "100%", "a\\b", "with blank", "brace{b}", "ä🙂"])(
    "can be addressed by the name %s",
    async (name) => {
      await stack.rest.create(name, { ...source("named"), topic: "named" });
      const path = `/connectors/${encodeURIComponent(name)}`;
      expect((await stack.rest.get(path)).body).toMatchObject({ name });
      await stack.statuses.running(name);
      expect((await stack.rest.get(`${path}/status`)).body).toMatchObject({ name, connector: { state: "RUNNING" } });
      expect((await stack.rest.delete(path)).status).toBe(204);
      await stack.statuses.gone(name);
    },
  );

  test("continues at its offset after a restart of the worker", async () => {
    const config = source("lasting");
    const copy = join(stack.folder, "lasting-copy.txt");
    await stack.rest.create("lasting", config);
    await stack.rest.create("lasting-sink", {
      "connector.class": "FileStreamSink",
      topics: config.topic,
      file: copy,
      "consumer.override.metadata.max.age.ms": "200",
    });
    await stack.statuses.running("lasting");
    await stack.statuses.running("lasting-sink");
    await stack.rest.put("/connectors/lasting-sink/pause");
    const before = (await stack.rest.get("/connectors")).body as string[];
    const unassigned = stack.statuses.until("lasting", ({ tasks }) => tasks[0]?.[1].state === "UNASSIGNED");
    await stack.worker.close();
    await unassigned;
    await stack.startWorker();
    expect(((await stack.rest.get("/connectors")).body as string[]).sort()).toEqual(before.sort());
    await stack.statuses.running("lasting");
    const sink = await stack.statuses.until("lasting-sink", ({ tasks }) => tasks[0]?.[1].state === "PAUSED");
    expect(sink.connector?.state).toBe("PAUSED");
    expect((await stack.rest.get("/connectors/lasting/offsets")).body).toMatchObject({
      offsets: [{ partition: { filename: config.file } }],
    });
    await stack.rest.put("/connectors/lasting-sink/resume");
    await stack.statuses.running("lasting-sink");
    const whole = await fileText(copy, (text) => text.length >= 19);
    expect(whole).toBe("to be\nor not to be\n");
  });

  test("is UNASSIGNED with its tasks once the worker has stopped, even if they began to run in its last generation", async () => {
    // The restarted worker has had one rebalance, in which it has started everything.
    const unassigned = stack.statuses.until(
      "lines",
      ({ connector, tasks }) => connector?.state === "UNASSIGNED" && tasks[0]?.[1].state === "UNASSIGNED",
    );
    await stack.worker.close();
    await unassigned;
    await stack.startWorker();
    await stack.statuses.running("lines");
  });
});
