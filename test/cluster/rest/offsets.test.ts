import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningWorker } from "../../../src/app/stack-worker.js";
import { fileText } from "../../support/file-watch.js";
import { kafkaClient } from "../../support/kafka-client.js";
import { RestClient } from "../../support/rest-client.js";
import { TestStack } from "../../support/stack.js";

const FILE = "org.apache.kafka.connect.file.";
const LINES = "one\ntwo\nthree\n";
const ALTERED = { message: "The offsets for this connector have been altered successfully" };
const RESET = { message: "The offsets for this connector have been reset successfully" };

/** A source that supports no change of offsets, or fails at it, by its key `altered`. */
const PLUGIN = `
  const connector = () => ({
    config: { altered: { type: "string", doc: "", importance: "low" } },
    async start() {},
    async taskConfigs() { return []; },
    async stop() {},
    async alterOffsets({ altered }) {
      if (altered === "fixed") throw Object.defineProperty(new Error("no"), Symbol.for("millrace.error.kind"), { value: "unsupported" });
      throw new Error("the " + altered + " is on fire");
    },
  });
  export default [{ type: "source", className: "x.Picky", taskClassName: "x.PickyTask", version: "1", connector, task() {} }];`;

describe("offsets over REST", () => {
  let stack: TestStack;
  let other: RunningWorker;
  let plugins: string;

  beforeAll(async () => {
    plugins = mkdtempSync(join(tmpdir(), "millrace-plugins-"));
    mkdirSync(join(plugins, "picky"), { recursive: true });
    writeFileSync(join(plugins, "picky", "index.mjs"), PLUGIN);
    stack = await TestStack.start({
      props: { "plugin.path": plugins, "scheduled.rebalance.max.delay.ms": "0" },
    });
    other = await stack.startAnotherWorker();
    // Before the sinks subscribe: they would look for a missing topic only every few seconds.
    const client = kafkaClient(stack.kafka);
    const topics = ["lines", "own-lines", "three-lines", "unused"];
    await client.admin.createTopics(topics.map((name) => ({ name, partitions: 1, replicationFactor: 1 })));
    await client.close();
  });
  afterAll(async () => {
    await stack?.close();
    rmSync(plugins, { recursive: true, force: true });
  });

  /** The leader, and a worker that forwards to it. */
  const both = () => [stack.rest, new RestClient(other.restUrl)];
  const offsets = async (name: string) =>
    ((await stack.rest.get(`/connectors/${name}/offsets`)).body as { offsets: object[] }).offsets;
  const patch = (rest: RestClient, name: string, entries: readonly object[]) =>
    rest.send("PATCH", `/connectors/${name}/offsets`, { offsets: entries });
  const stop = async (name: string) => {
    expect((await stack.rest.put(`/connectors/${name}/stop`)).status).toBe(204);
  };
  const path = (name: string) => join(stack.folder, name);

  test("of a source: the task continues where they were set, or starts over", async () => {
    const file = path("source.txt");
    const partition = { filename: file };
    writeFileSync(file, LINES);
    await stack.rest.create("source", { "connector.class": `${FILE}FileStreamSourceConnector`, file, topic: "lines" });
    await stack.rest.create("copy", {
      "connector.class": `${FILE}FileStreamSinkConnector`,
      file: path("copy.txt"),
      topics: "lines",
    });
    await fileText(path("copy.txt"), (text) => text === LINES);
    await stop("source");
    for (const rest of both()) {
      const answer = await patch(rest, "source", [{ partition, offset: { position: 8 } }]);
      expect(answer).toMatchObject({ status: 200, body: ALTERED });
    }
    expect(await offsets("source")).toEqual([{ partition, offset: { position: 8 } }]);
    await stack.rest.put("/connectors/source/resume");
    expect(await fileText(path("copy.txt"), (text) => text.length > LINES.length)).toBe(`${LINES}three\n`);

    await stop("source");
    for (const rest of both()) {
      expect(await rest.delete("/connectors/source/offsets")).toMatchObject({ status: 200, body: RESET });
    }
    expect(await offsets("source")).toEqual([]);
    await stack.rest.put("/connectors/source/resume");
    await fileText(path("copy.txt"), (text) => text === `${LINES}three\n${LINES}`);
  });

  test("of a source with a topic of its own: laid over the worker's, and reset in both", async () => {
    const file = path("own.txt");
    const partition = { filename: file };
    const config = { "connector.class": `${FILE}FileStreamSourceConnector`, file, topic: "own-lines" };
    writeFileSync(file, LINES);
    await stack.rest.create("own", config);
    await stack.rest.create("own-copy", {
      "connector.class": `${FILE}FileStreamSinkConnector`,
      file: path("own-copy.txt"),
      topics: "own-lines",
    });
    await fileText(path("own-copy.txt"), (text) => text === LINES);
    // Answered once its task has stopped, with its last commit.
    const stopped = async () => {
      await stop("own");
      const nothing = [{ partition: { filename: "none" }, offset: null }];
      expect(await patch(stack.rest, "own", nothing)).toMatchObject({ status: 200, body: ALTERED });
    };
    await stopped();
    const before = { partition, offset: expect.objectContaining({ position: LINES.length }) };
    expect(await offsets("own")).toEqual([before]);
    const own = { ...config, "offsets.storage.topic": "own-offsets" };
    expect((await stack.rest.put("/connectors/own/config", own)).status).toBe(200);
    expect(await offsets("own")).toEqual([before]);

    await stack.rest.put("/connectors/own/resume");
    writeFileSync(file, `${LINES}four\n`);
    expect(await fileText(path("own-copy.txt"), (text) => text.length > LINES.length)).toBe(`${LINES}four\n`);
    await stopped();
    expect(await offsets("own")).toEqual([{ partition, offset: expect.objectContaining({ position: 19 }) }]);
    for (const rest of both()) {
      const answer = await patch(rest, "own", [{ partition, offset: { position: 4 } }]);
      expect(answer).toMatchObject({ status: 200, body: ALTERED });
    }
    expect(await offsets("own")).toEqual([{ partition, offset: { position: 4 } }]);
    expect(await stack.rest.delete("/connectors/own/offsets")).toMatchObject({ status: 200, body: RESET });
    expect(await offsets("own")).toEqual([]);
    expect((await stack.rest.put("/connectors/own/config", config)).status).toBe(200);
    expect(await offsets("own")).toEqual([]);
  });

  test("of a sink: its group's, whatever the group's name is", async () => {
    const config = {
      "connector.class": `${FILE}FileStreamSinkConnector`,
      "consumer.override.group.id": "named-otherwise",
      file: path("sink.txt"),
      topics: "three-lines",
    };
    const partition = { kafka_topic: "three-lines", kafka_partition: 0 };
    writeFileSync(path("three.txt"), LINES);
    await stack.rest.create("three", {
      "connector.class": `${FILE}FileStreamSourceConnector`,
      file: path("three.txt"),
      topic: "three-lines",
    });
    await stack.rest.create("sink", config);
    await fileText(path("sink.txt"), (text) => text === LINES);
    await stop("sink");
    for (const rest of both()) {
      const answer = await patch(rest, "sink", [{ partition, offset: { kafka_offset: "2" } }]);
      expect(answer).toMatchObject({ status: 200, body: ALTERED });
    }
    expect(await offsets("sink")).toEqual([{ partition, offset: { kafka_offset: 2 } }]);
    const absent = { ...partition, kafka_partition: 7 };
    expect(
      await patch(stack.rest, "sink", [
        { partition, offset: null },
        { partition: absent, offset: { kafka_offset: 1 } },
      ]),
    ).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("topic three-lines has no partition 7") },
    });
    await stack.rest.put("/connectors/sink/resume");
    await fileText(path("sink.txt"), (text) => text === `${LINES}three\n`);

    await stop("sink");
    expect(await stack.rest.delete("/connectors/sink/offsets")).toMatchObject({ status: 200, body: RESET });
    expect(await offsets("sink")).toEqual([]);

    // The group is in use again, by a connector that shares it.
    await stack.rest.create("zombie", { ...config, file: path("zombie.txt") });
    await fileText(path("zombie.txt"), (text) => text === LINES);
    for (const answer of [
      await patch(stack.rest, "sink", [{ partition, offset: { kafka_offset: 1 } }]),
      await patch(stack.rest, "sink", [{ partition, offset: null }]),
      await stack.rest.delete("/connectors/sink/offsets"),
    ]) {
      expect(answer).toMatchObject({ status: 500, body: { message: expect.stringMatching(/zombie sink tasks\.$/) } });
    }
    expect(readFileSync(path("sink.txt"), "utf8")).toBe(`${LINES}three\n`);
  });

  test("of a connector that does not take them, or is not there, or runs", async () => {
    const entry = { partition: { a: 1 }, offset: { b: 1 } };
    await stack.rest.create("fixed", { "connector.class": "x.Picky", altered: "fixed" }, "STOPPED");
    await stack.rest.create("failing", { "connector.class": "x.Picky", altered: "roof" }, "STOPPED");
    await stack.rest.create("running", { "connector.class": `${FILE}FileStreamSinkConnector`, topics: "unused" });
    for (const rest of both()) {
      for (const [name, status, message] of [
        [
          "fixed",
          500,
          "Failed to modify offsets for connector fixed because it doesn't support external modification of offsets",
        ],
        ["failing", 500, "Failed to modify offsets for source connector failing: the roof is on fire"],
        ["none", 404, "Connector none not found"],
        [
          "running",
          400,
          expect.stringMatching(/^Connectors must be in the STOPPED state .*\/connectors\/running\/stop/),
        ],
      ] as const) {
        const answer = { status, body: { error_code: status, message } };
        expect(await patch(rest, name, [entry])).toMatchObject(answer);
        expect(await rest.delete(`/connectors/${name}/offsets`)).toMatchObject(answer);
      }
    }
    expect(await offsets("failing")).toEqual([]);
  });
});
