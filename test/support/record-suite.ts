import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { fileText } from "./file-watch.js";
import { kafkaClient } from "./kafka-client.js";
import { RECORD_PLUGIN } from "./record-plugin.js";
import { RestClient } from "./rest-client.js";
import { testWorkerProps } from "./stack.js";
import { StatusWatch } from "./status-watch.js";

/** What Kafka Connect's own integration tests demand where records or connectors fail, and of filters, on this Kafka. */
export function recordSuite(title: string, kafka: () => Promise<{ bootstrap: string; stop(): Promise<void> }>): void {
  describe(title, () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-records-"));
    const file = (name: string) => join(folder, name);
    let broker: { bootstrap: string; stop(): Promise<void> };
    let worker: RunningWorker;
    let statuses: StatusWatch;
    let client: KafkaClient;
    let rest: RestClient;

    beforeAll(async () => {
      mkdirSync(file("plugins/records"), { recursive: true });
      writeFileSync(file("plugins/records/index.mjs"), RECORD_PLUGIN);
      broker = await kafka();
      worker = await startWorkerStack({
        props: testWorkerProps(broker.bootstrap, {
          "task.isolation": "none",
          "task.shutdown.graceful.timeout.ms": "2000",
          "plugin.path": file("plugins"),
        }),
        clock: new SystemClock(),
        random: new SystemRandom(),
        logger: silentLogger,
        levels: new LogLevels("off"),
        env: process.env,
        restOption: "listeners",
      });
      rest = new RestClient(worker.restUrl);
      statuses = await StatusWatch.open(broker.bootstrap);
      client = kafkaClient(broker.bootstrap);
    });
    afterAll(async () => {
      await client?.close();
      await statuses?.close();
      await worker?.close();
      await broker?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Creates a topic of one partition with these values. */
    async function fill(topic: string, values: readonly (string | null)[]): Promise<void> {
      await client.admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
      const producer = client.producer<undefined>({ properties: { acks: "all" } }, { acknowledged() {}, failed() {} });
      await producer.send(
        values.map((value) => {
          const bytes = value === null ? null : Buffer.from(value);
          return { topic, partition: 0, key: null, value: bytes, timestampMs: 0, headers: [] };
        }),
      );
      await producer.close(1_000);
    }

    /** The first record of a topic that a connector makes: its value, and its headers as texts. */
    async function firstOf(topic: string): Promise<{ value: string; headers: Record<string, string> }> {
      while (!(await client.admin.describeTopics([topic])).topics.get(topic)?.partitions.length);
      const consumer = client.consumer({ properties: { "auto.offset.reset": "earliest" } });
      consumer.assign([{ topic, partition: 0 }]);
      try {
        for (;;) {
          for (const { records } of await consumer.poll(10_000)) {
            const [record] = records;
            if (!record) continue;
            const headers = record.headers.map(({ key, value }) => [key, String(value)] as const);
            return { value: String(record.value), headers: Object.fromEntries(headers) };
          }
        }
      } finally {
        await consumer.close();
      }
    }

    async function remove(name: string): Promise<void> {
      expect((await rest.delete(`/connectors/${name}`)).status).toBe(204);
      await statuses.gone(name);
    }

    test.each([
      ["start", "FAILED"],
      ["stop", "RUNNING"],
    ])("a connector that fails in %s can be stopped, resumed and deleted", async (fails, runs) => {
      const name = `fails-in-${fails}`;
      const reached = (state: string) => statuses.until(name, ({ connector }) => connector?.state === state);
      const begun = reached(runs);
      await rest.create(name, { "connector.class": "records.Failing", fails });
      await begun;
      for (let round = 0; round < 2; round++) {
        const stopped = reached("STOPPED");
        await rest.put(`/connectors/${name}/stop`);
        await stopped;
        const again = reached(runs);
        await rest.put(`/connectors/${name}/resume`);
        await again;
      }
      const stopped = reached("STOPPED");
      await rest.put(`/connectors/${name}/stop`);
      await stopped;
      await remove(name);
    });

    test.each([
      ["source", "start"],
      ["source", "stop"],
      ["sink", "start"],
      ["sink", "stop"],
    ])(
      "a %s's task whose %s never returns holds nothing up: others run, and it is gone after its delete",
      async (type, hangs) => {
        const name = `hanging-${type}-${hangs}`;
        await fill(name, []);
        const config = {
          "connector.class": `records.Hanging.${type}`,
          hangs,
          ...(type === "sink" && { topics: name }),
        };
        const begun = statuses.until(name, ({ connector, tasks }) => {
          return connector?.state === "RUNNING" && (hangs === "start" || tasks[0]?.[1].state === "RUNNING");
        });
        await rest.create(name, config);
        await begun;
        writeFileSync(file(name), "a line\n");
        const running = statuses.running(`beside-${name}`);
        await rest.create(`beside-${name}`, { "connector.class": "FileStreamSource", file: file(name), topic: name });
        await running;
        expect((await firstOf(name)).value).toBe("a line");
        await remove(name);
        // The worker reads the status topic on its own, and a cancelled task reports once more.
        while ((await rest.get(`/connectors/${name}/status`)).status !== 404);
        await remove(`beside-${name}`);
      },
    );

    const dead = (topic: string) => ({
      "errors.tolerance": "all",
      "errors.deadletterqueue.topic.name": topic,
      "errors.deadletterqueue.topic.replication.factor": "1",
      "errors.deadletterqueue.context.headers.enable": "true",
    });

    test("a transformation's retriable error is tried again for errors.retry.timeout, and the record is a dead letter", async () => {
      await fill("flaky", ["one", "flaky", "two"]);
      await rest.create("flaky", {
        "connector.class": "FileStreamSink",
        topics: "flaky",
        file: file("flaky"),
        transforms: "f",
        "transforms.f.type": "records.Flaky",
        "transforms.f.file": file("attempts"),
        "errors.retry.timeout": "1000",
        ...dead("flaky-dead"),
      });
      await fileText(file("flaky"), (text) => text === "one\ntwo\n");
      expect(readFileSync(file("attempts"), "utf8")).toMatch(/^(again\n){2,}$/);
      const { value, headers } = await firstOf("flaky-dead");
      expect([value, headers]).toEqual([
        "flaky",
        expect.objectContaining({
          "__connect.errors.topic": "flaky",
          "__connect.errors.offset": "1",
          "__connect.errors.stage": "TRANSFORMATION",
          "__connect.errors.class.name": "records.Flaky",
          "__connect.errors.exception.message": expect.stringContaining("not now"),
        }),
      ]);
      await remove("flaky");
    });

    test("records that a task reports are dead letters, and the others are processed", async () => {
      await fill("picky", ["one", "bad two", "three", "bad four"]);
      await rest.create("picky", {
        "connector.class": "records.Picky",
        topics: "picky",
        file: file("picky"),
        ...dead("picky-dead"),
      });
      expect(await fileText(file("picky"), (text) => text.split("\n").length > 2)).toBe("one\nthree\n");
      const { value, headers } = await firstOf("picky-dead");
      expect([value, headers["__connect.errors.stage"], headers["__connect.errors.exception.message"]]).toEqual([
        "bad two",
        "TASK_PUT",
        expect.stringContaining("a bad line"),
      ]);
      await remove("picky");
    });

    test("a sink's partitions are all closed and opened again when topics appear and disappear, and no record comes twice", async () => {
      const calls = file("eager.calls");
      await fill("eager-a", ["one"]);
      await rest.create("eager", {
        "connector.class": "records.Picky",
        "topics.regex": "eager-.*",
        file: file("eager"),
        "consumer.override.metadata.max.age.ms": "500",
      });
      await fileText(calls, (text) => text === "open eager-a\n");
      await fill("eager-b", ["two"]);
      await fileText(file("eager"), (text) => text === "one\ntwo\n");
      expect(readFileSync(calls, "utf8")).toBe("open eager-a\nclose eager-a\nopen eager-a,eager-b\n");
      await client.admin.deleteTopics(["eager-a"]);
      await fileText(calls, (text) => text.endsWith("close eager-a,eager-b\nopen eager-b\n"));
      await remove("eager");
      await fileText(calls, (text) => text.endsWith("open eager-b\nclose eager-b\n"));
      expect(readFileSync(file("eager"), "utf8")).toBe("one\ntwo\n");
    });

    test("Filter drops what its predicate matches: topics and tombstones of a sink, missing headers of a source", async () => {
      await fill("kept", ["one", null, "two"]);
      await fill("dropped", ["never"]);
      const filter = {
        transforms: "no",
        "transforms.no.type": "Filter",
        "transforms.no.predicate": "p",
        predicates: "p",
      };
      await rest.create("tombstones", {
        "connector.class": "FileStreamSink",
        topics: "kept",
        file: file("tombstones"),
        ...filter,
        "predicates.p.type": "RecordIsTombstone",
      });
      await rest.create("topics", {
        "connector.class": "FileStreamSink",
        topics: "dropped,kept",
        file: file("topics"),
        ...filter,
        "predicates.p.type": "TopicNameMatches",
        "predicates.p.pattern": "drop.*",
      });
      writeFileSync(file("lines"), "plain\nmarked one\nplain\nmarked two\n");
      await rest.create("headers", {
        "connector.class": "FileStreamSource",
        topic: "headed",
        file: file("lines"),
        ...filter,
        transforms: "mark,no",
        "transforms.mark.type": "InsertHeader",
        "transforms.mark.header": "mark",
        "transforms.mark.value.literal": "yes",
        "transforms.mark.predicate": "marked",
        "transforms.no.negate": "true",
        predicates: "p,marked",
        "predicates.marked.type": "records.Begins",
        "predicates.marked.text": "marked",
        "predicates.p.type": "HasHeaderKey",
        "predicates.p.name": "mark",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
      });
      await fileText(file("tombstones"), (text) => text === "one\ntwo\n");
      expect(await fileText(file("topics"), (text) => text.includes("two"))).not.toContain("never");
      expect(await firstOf("headed")).toEqual({ value: "marked one", headers: { mark: "yes" } });
      await rest.create("headed", { "connector.class": "FileStreamSink", topics: "headed", file: file("headed") });
      await fileText(file("headed"), (text) => text === "marked one\nmarked two\n");
      for (const name of ["tombstones", "topics", "headers", "headed"]) await remove(name);
    });
  });
}
