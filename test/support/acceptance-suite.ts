import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { ACCEPTANCE_PLUGIN } from "./acceptance-plugin.js";
import { startTestBroker } from "./broker.js";
import { fileText } from "./file-watch.js";
import { kafkaClient } from "./kafka-client.js";
import { RestClient } from "./rest-client.js";
import { testWorkerProps } from "./stack.js";
import { StatusWatch } from "./status-watch.js";
import { TopicReader } from "./topic-reader.js";

/** What Kafka Connect's own integration tests demand, of a worker on this Kafka. */
export function acceptanceSuite(
  title: string,
  kafka: () => Promise<{ bootstrap: string; stop(): Promise<void> }>,
): void {
  describe(title, () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-acceptance-"));
    const file = (name: string) => join(folder, name);
    let broker: { bootstrap: string; stop(): Promise<void> };
    let worker: RunningWorker;
    let statuses: StatusWatch;
    let client: KafkaClient;
    let rest: RestClient;

    async function startWorker(): Promise<void> {
      worker = await startWorkerStack({
        props: testWorkerProps(broker.bootstrap, {
          "task.isolation": "none",
          "task.shutdown.graceful.timeout.ms": "2000",
          "plugin.path": file("plugins"),
          "config.providers": "file",
          "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        }),
        clock: new SystemClock(),
        random: new SystemRandom(),
        logger: silentLogger,
        levels: new LogLevels("off"),
        env: process.env,
        restOption: "listeners",
      });
      rest = new RestClient(worker.restUrl);
    }

    beforeAll(async () => {
      mkdirSync(file("plugins/many"), { recursive: true });
      writeFileSync(file("plugins/many/index.mjs"), ACCEPTANCE_PLUGIN);
      broker = await kafka();
      await startWorker();
      statuses = await StatusWatch.open(broker.bootstrap);
      client = kafkaClient(broker.bootstrap, { "client.id": "acceptance" });
    });
    afterAll(async () => {
      await client?.close();
      await statuses?.close();
      await worker?.close();
      await broker?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const source = (name: string, more: Record<string, string> = {}) => ({
      "connector.class": "FileStreamSource",
      file: file(name),
      topic: name,
      ...more,
    });

    /** The values of the topic that a connector writes, by default one of its own name, once there are `count`. */
    async function values(connector: string, count: number, topic = connector): Promise<(string | null)[]> {
      await statuses.until(connector, () => statuses.usesTopic(connector, topic));
      // It is noted before the first record, which may create it.
      while (!(await client.admin.describeTopics([topic])).topics.get(topic)?.partitions.length);
      const reader = await TopicReader.open(broker.bootstrap, [topic], "read_uncommitted");
      await reader.readTo({ topic, partition: 0 }, count);
      const read = reader.of(topic).map(({ value }) => value);
      await reader.close();
      return read;
    }

    async function inConfigTopic(records: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
      const producer = client.producer<undefined>({ properties: { acks: "all" } }, { acknowledged() {}, failed() {} });
      await producer.send(
        records.map(([key, value]) => ({
          topic: "connect-configs",
          partition: 0,
          key: Buffer.from(key),
          value: value === null ? null : Buffer.from(JSON.stringify(value)),
          timestampMs: Date.now(),
          headers: [],
        })),
      );
      await producer.close(1_000);
    }

    test("a connector that plans more tasks than tasks.max fails, and its legal tasks go on, over restarts too", async () => {
      const config = (number: number, more: Record<string, string> = {}) => ({
        "connector.class": "acceptance.Many",
        "tasks.max": "2",
        number: String(number),
        log: file("starts"),
        ...more,
      });
      const running = statuses.running("many", 2);
      await rest.create("many", config(2));
      await running;
      const failed = statuses.until("many", ({ connector }) => connector?.state === "FAILED");
      await rest.put("/connectors/many/config", config(3));
      expect((await failed).connector?.trace).toMatch(/has generated 3 tasks, which is greater than tasks\.max=2/);
      expect(statuses.of("many").tasks.map(([, { state }]) => state)).toEqual(["RUNNING", "RUNNING"]);
      expect((await rest.post("/connectors/many/tasks/1/restart")).status).toBe(204);
      expect(await fileText(file("starts"), (text) => text.split("\n").length > 3)).toMatch(/\n1\n$/);
      await statuses.until("many", ({ tasks }) => tasks.every(([, { state }]) => state === "RUNNING"));
      const more = statuses.running("many", 3);
      await rest.put("/connectors/many/config", config(3, { "tasks.max.enforce": "false" }));
      await more;
      await rest.delete("/connectors/many");
      await statuses.gone("many");
    });

    test("a set of tasks above tasks.max that stands in the config topic makes all of them FAILED", async () => {
      const failed = statuses.until(
        "planted",
        ({ tasks }) => tasks.filter(([, { state }]) => state === "FAILED").length === 2,
      );
      const config = { name: "planted", "connector.class": "acceptance.Many", "tasks.max": "1", number: "2" };
      const task = { "task.class": "acceptance.ManyTask", at: "0" };
      await inConfigTopic([
        ["connector-planted", { properties: config }],
        ["task-planted-0", { properties: task }],
        ["task-planted-1", { properties: task }],
        ["commit-planted", { tasks: 2 }],
      ]);
      const { tasks } = await failed;
      expect(tasks[0]?.[1].trace).toMatch(/tasks\.max/);
      const running = statuses.running("planted", 2);
      await rest.put("/connectors/planted/config", { ...config, "tasks.max.enforce": "false" });
      await running;
      await rest.delete("/connectors/planted");
      await statuses.gone("planted");
    });

    test("tasks of a connector that compaction has removed are never those of a new one with its name", async () => {
      writeFileSync(file("reborn"), "a line\n");
      await inConfigTopic([
        ["task-reborn-0", { properties: { "task.class": "absent.Task", topic: "ghost" } }],
        ["task-reborn-1", { properties: { "task.class": "absent.Task", topic: "ghost" } }],
        ["commit-reborn", { tasks: 2 }],
      ]);
      const running = statuses.running("reborn");
      await rest.create("reborn", source("reborn"));
      await running;
      expect(await values("reborn", 1)).toEqual(["a line"]);
      expect((await rest.get("/connectors/reborn/tasks")).body).toHaveLength(1);
      await rest.delete("/connectors/reborn");
      await statuses.gone("reborn");
    });

    test("tasks whose configs name a secret that is gone keep nobody from changing their connector", async () => {
      writeFileSync(file("secret.properties"), "topic=secret-topic\n");
      writeFileSync(file("secretive"), "a line\n");
      const running = statuses.running("secretive");
      const reference = `\${file:${file("secret.properties")}:topic}`;
      await rest.create("secretive", source("secretive", { topic: reference }));
      await running;
      expect(await values("secretive", 1, "secret-topic")).toEqual(["a line"]);
      rmSync(file("secret.properties"));
      const again = statuses.until("secretive", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
      await rest.post("/connectors/secretive/tasks/0/restart");
      await again;
      const mended = statuses.running("secretive");
      expect(
        (await rest.put("/connectors/secretive/config", source("secretive", { topic: "open-topic" }))).status,
      ).toBe(200);
      await mended;
      appendFileSync(file("secretive"), "another line\n");
      expect(await values("secretive", 1, "open-topic")).toEqual(["another line"]);
      await rest.delete("/connectors/secretive");
      await statuses.gone("secretive");
    });

    test("a change of the converter alone starts the tasks again, although their own configs are the same", async () => {
      writeFileSync(file("lines"), '{"id":1}\n');
      const running = statuses.running("lines");
      await rest.create("lines", source("lines"));
      await running;
      await values("lines", 1);
      const failed = statuses.until("reader", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
      const sink = (more: Record<string, string>) => ({
        "connector.class": "FileStreamSink",
        topics: "lines",
        file: file("read"),
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        ...more,
      });
      await rest.create("reader", sink({ "value.converter.schemas.enable": "true" }));
      await failed;
      const works = statuses.running("reader");
      await rest.put("/connectors/reader/config", sink({ "value.converter": "StringConverter" }));
      await works;
      const stopped = statuses.until(
        "reader",
        ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0,
      );
      await fileText(file("read"), (text) => text.endsWith("\n"));
      await rest.put("/connectors/reader/stop");
      await stopped;
      expect(readFileSync(file("read"), "utf8")).toBe('{"id":1}\n');
      // The statuses are deleted with the tasks' configs; the tasks commit when they end.
      let body: unknown;
      do ({ body } = await rest.get("/connectors/reader/offsets"));
      while ((body as { readonly offsets: readonly unknown[] }).offsets.length === 0);
      expect(body).toEqual({
        offsets: [{ partition: { kafka_topic: "lines", kafka_partition: 0 }, offset: { kafka_offset: 1 } }],
      });
      for (const name of ["lines", "reader"]) {
        await rest.delete(`/connectors/${name}`);
        await statuses.gone(name);
      }
    });

    test("simple names stand for connector, converters, header converter, transformation and predicate", async () => {
      writeFileSync(file("aliases"), "a line\n");
      const running = statuses.running("aliases");
      await rest.create(
        "aliases",
        source("aliases", {
          "connector.class": "FileStreamSourceConnector",
          "key.converter": "JsonConverter",
          "value.converter": "StringConverter",
          "header.converter": "SimpleHeaderConverter",
          transforms: "t",
          "transforms.t.type": "InsertHeader",
          "transforms.t.header": "h",
          "transforms.t.value.literal": "v",
          "transforms.t.predicate": "p",
          predicates: "p",
          "predicates.p.type": "TopicNameMatches",
          "predicates.p.pattern": "aliases",
        }),
      );
      await running;
      expect(await values("aliases", 1)).toEqual(["a line"]);
      await rest.delete("/connectors/aliases");
      await statuses.gone("aliases");
    });

    test("a connector that is created PAUSED or STOPPED, and deleted, starts when it is created again", async () => {
      for (const state of ["PAUSED", "STOPPED"]) {
        const name = `first-${state.toLowerCase()}`;
        writeFileSync(file(name), "a line\n");
        const reached = statuses.until(name, ({ connector }) => connector?.state === state);
        await rest.create(name, source(name), state);
        expect((await reached).tasks.filter(([, task]) => task.state === "RUNNING")).toEqual([]);
        await rest.delete(`/connectors/${name}`);
        await statuses.gone(name);
        const running = statuses.running(name);
        await rest.create(name, source(name));
        await running;
        expect(await values(name, 1)).toEqual(["a line"]);
        await rest.delete(`/connectors/${name}`);
        await statuses.gone(name);
      }
    });

    test("offsets that are set before the first start are where a source begins, and are gone after a reset", async () => {
      writeFileSync(file("ahead"), "first\nsecond\nthird\n");
      const stopped = statuses.until("ahead", ({ connector }) => connector?.state === "STOPPED");
      await rest.create("ahead", source("ahead"), "STOPPED");
      await stopped;
      const offsets = [{ partition: { filename: file("ahead") }, offset: { position: 6 } }];
      expect((await rest.send("PATCH", "/connectors/ahead/offsets", { offsets })).status).toBe(200);
      expect((await rest.get("/connectors/ahead/offsets")).body).toEqual({ offsets });
      const running = statuses.running("ahead");
      await rest.put("/connectors/ahead/resume");
      await running;
      expect(await values("ahead", 2)).toEqual(["second", "third"]);
      const again = statuses.until(
        "ahead",
        ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0,
      );
      await rest.put("/connectors/ahead/stop");
      await again;
      expect((await rest.delete("/connectors/ahead/offsets")).status).toBe(200);
      expect((await rest.get("/connectors/ahead/offsets")).body).toEqual({ offsets: [] });
      await rest.delete("/connectors/ahead");
      await statuses.gone("ahead");
    });

    test("a task that cannot reach its own cluster runs once the override is taken away and it is restarted", async () => {
      writeFileSync(file("elsewhere"), "a line\n");
      const failed = statuses.until("elsewhere", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
      await rest.create(
        "elsewhere",
        source("elsewhere", { "producer.override.bootstrap.servers": "no such host:port" }),
      );
      await failed;
      const running = statuses.running("elsewhere");
      await rest.put("/connectors/elsewhere/config", source("elsewhere"));
      await rest.post("/connectors/elsewhere/restart?includeTasks=true&onlyFailed=true");
      await running;
      expect(await values("elsewhere", 1)).toEqual(["a line"]);
      await rest.delete("/connectors/elsewhere");
      await statuses.gone("elsewhere");
    });

    test("a source's topic is created as its rules say", async () => {
      writeFileSync(file("ruled"), "a line\n");
      const running = statuses.running("ruled");
      await rest.create(
        "ruled",
        source("ruled", {
          "topic.creation.groups": "r",
          "topic.creation.r.include": "ru.*",
          "topic.creation.r.partitions": "3",
          "topic.creation.default.partitions": "1",
          "topic.creation.default.replication.factor": "1",
        }),
      );
      await running;
      await statuses.topics("ruled", ["ruled"]);
      const { topics } = await client.admin.describeTopics(["ruled"]);
      expect(topics.get("ruled")?.partitions).toHaveLength(3);
      await rest.delete("/connectors/ruled");
      await statuses.gone("ruled");
    });

    test("a worker whose connectors block in start and stop is taken away and comes back, and others run again", async () => {
      writeFileSync(file("beside"), "before\n");
      const running = statuses.running("beside");
      await rest.create("beside", source("beside"));
      await running;
      const stops = statuses.until("blocks-in-stop", ({ connector }) => connector?.state === "RUNNING");
      for (const blocks of ["start", "stop"])
        await rest.create(`blocks-in-${blocks}`, { "connector.class": "acceptance.Blocks", blocks });
      await stops;
      expect(await values("beside", 1)).toEqual(["before"]);
      const gone = statuses.until("beside", ({ tasks }) => tasks[0]?.[1].state === "UNASSIGNED");
      await worker.close();
      await gone;
      await startWorker();
      await statuses.running("beside");
      appendFileSync(file("beside"), "after\n");
      expect(await values("beside", 2)).toEqual(["before", "after"]);
      expect(statuses.of("blocks-in-start").connector?.state).not.toBe("RUNNING");
      for (const name of ["blocks-in-start", "blocks-in-stop", "beside"]) {
        expect((await rest.delete(`/connectors/${name}`)).status).toBe(204);
        await statuses.gone(name);
      }
    });

    test("offsets of a sink whose consumer reads another cluster are read, altered and reset there", async () => {
      const other = await startTestBroker();
      const there = kafkaClient(other.bootstrap);
      await there.admin.createTopics([{ name: "far", partitions: 1, replicationFactor: 1 }]);
      const producer = there.producer<undefined>({ properties: { acks: "all" } }, { acknowledged() {}, failed() {} });
      const far = { topic: "far", partition: 0, key: null, timestampMs: 0, headers: [] };
      await producer.send(["one", "two"].map((value) => ({ ...far, value: Buffer.from(value) })));
      const partition = { kafka_topic: "far", kafka_partition: 0 };
      const at = (offset: number) => ({ offsets: [{ partition, offset: { kafka_offset: offset } }] });
      const committed = async () => (await there.admin.listGroupOffsets("connect-far")).map(({ offset }) => offset);
      const stop = async () => {
        const stopped = statuses.until("far", (all) => all.connector?.state === "STOPPED" && all.tasks.length === 0);
        await rest.put("/connectors/far/stop");
        await stopped;
      };
      await rest.create("far", {
        "connector.class": "FileStreamSink",
        topics: "far",
        file: file("far"),
        "consumer.override.bootstrap.servers": other.bootstrap,
      });
      await fileText(file("far"), (text) => text === "one\ntwo\n");
      await stop();
      // Refused while the last member is still leaving.
      while ((await rest.send("PATCH", "/connectors/far/offsets", at(1))).status !== 200);
      expect([(await rest.get("/connectors/far/offsets")).body, await committed()]).toEqual([at(1), [1]]);
      await rest.put("/connectors/far/resume");
      await fileText(file("far"), (text) => text === "one\ntwo\ntwo\n");
      await stop();
      while ((await rest.delete("/connectors/far/offsets")).status !== 200);
      expect([(await rest.get("/connectors/far/offsets")).body, await committed()]).toEqual([{ offsets: [] }, []]);
      expect(await client.admin.listGroupOffsets("connect-far")).toEqual([]);
      await rest.delete("/connectors/far");
      await statuses.gone("far");
      await there.close();
      await other.close();
    });

    test("a source moves with its offsets topic to another cluster and back, and goes on from where it was", async () => {
      const other = await startTestBroker();
      const clients = ["producer", "consumer", "admin"].map((kind) => `${kind}.override.bootstrap.servers`);
      const away = {
        ...Object.fromEntries(clients.map((key) => [key, other.bootstrap])),
        "offsets.storage.topic": "away-offsets",
      };
      const there = kafkaClient(other.bootstrap);
      await there.admin.createTopics([{ name: "moves", partitions: 1, replicationFactor: 1 }]);
      const reader = await TopicReader.open(other.bootstrap, ["moves"], "read_uncommitted");
      writeFileSync(file("moves"), "here\n");
      await rest.create("moves", source("moves"));
      expect(await values("moves", 1)).toEqual(["here"]);
      await rest.put("/connectors/moves/config", source("moves", away));
      appendFileSync(file("moves"), "there\n");
      await reader.readTo({ topic: "moves", partition: 0 }, 1);
      expect(reader.of("moves").map(({ value }) => value)).toEqual(["there"]);
      const stopped = statuses.until("moves", (all) => all.connector?.state === "STOPPED" && all.tasks.length === 0);
      await rest.put("/connectors/moves/stop");
      await stopped;
      const own = await TopicReader.open(other.bootstrap, ["away-offsets"], "read_uncommitted");
      // The statuses are deleted with the tasks' configs; the tasks commit when they end.
      while (!own.of("away-offsets").at(-1)?.value?.startsWith('{"position":11')) await own.readToEnd();
      expect((await rest.get("/connectors/moves/offsets")).body).toMatchObject({
        offsets: [{ partition: { filename: file("moves") }, offset: { position: 11 } }],
      });
      await rest.put("/connectors/moves/config", source("moves"));
      await rest.put("/connectors/moves/resume");
      appendFileSync(file("moves"), "home\n");
      expect(await values("moves", 2)).toEqual(["here", "home"]);
      await rest.delete("/connectors/moves");
      await statuses.gone("moves");
      await own.close();
      await reader.close();
      await there.close();
      await other.close();
    });
  });
}
