import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { deleteAcls } from "../../src/protocol/apis/delete-acls.js";
import { ANY_ACL } from "./any-acl.js";
import { BrokerClient } from "./broker-client.js";
import { COUNTING_SOURCE } from "./counting-source.js";
import { kafkaClient } from "./kafka-client.js";
import { RestClient } from "./rest-client.js";
import { testWorkerProps } from "./stack.js";
import { StatusWatch } from "./status-watch.js";
import { committedValues, progressOf } from "./topic-progress.js";
import { TopicReader } from "./topic-reader.js";

const PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";
/** Kafka's numbers. */
const [TRANSACTIONAL_ID, PREFIXED, WRITE, DENY] = [5, 4, 4, 2];

/** A Kafka that creates no topics by itself and has ACLs, for whom there are none may do everything. */
export interface GuardedKafka {
  /** The port of a listener without a login, for its super user. */
  readonly rootPort: number;
  /** The port of a listener with SASL PLAIN, for the user ann with the password secret. */
  readonly loginPort: number;
  stop(): Promise<void>;
}

/** The properties that make a broker a GuardedKafka, apart from its listeners. */
export const GUARDED_PROPERTIES = {
  "sasl.enabled.mechanisms": "PLAIN",
  "listener.name.sasl_plaintext.plain.sasl.jaas.config": `${PLAIN_LOGIN} user_ann="secret";`,
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
  "allow.everyone.if.no.acl.found": "true",
  "auto.create.topics.enable": "false",
};

const LOGIN = {
  "security.protocol": "SASL_PLAINTEXT",
  "sasl.mechanism": "PLAIN",
  "sasl.jaas.config": `${PLAIN_LOGIN} username="ann" password="secret";`,
};

/** What Kafka Connect's own integration tests demand of source connectors, of a worker that logs in to such a Kafka. */
export function sourceSuite(title: string, kafka: () => Promise<GuardedKafka>): void {
  describe(title, () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-sources-"));
    const file = (name: string) => join(folder, name);
    let broker: GuardedKafka;
    /** As root. */
    let bootstrap: string;
    let client: KafkaClient;
    let worker: RunningWorker;
    let statuses: StatusWatch;

    const rest = () => new RestClient(worker.restUrl);

    async function startWorker(props: Readonly<Record<string, string>> = {}): Promise<void> {
      const logins = ["", "producer.", "consumer.", "admin."].flatMap((prefix) =>
        Object.entries(LOGIN).map(([key, value]) => [prefix + key, value] as const),
      );
      worker = await startWorkerStack({
        props: testWorkerProps(`127.0.0.1:${broker.loginPort}`, {
          ...Object.fromEntries(logins),
          "task.isolation": "none",
          "plugin.path": file("plugins"),
          "exactly.once.source.support": "enabled",
          "scheduled.rebalance.max.delay.ms": "0",
          ...props,
        }),
        clock: new SystemClock(),
        random: new SystemRandom(),
        logger: silentLogger,
        levels: new LogLevels("off"),
        env: process.env,
        restOption: "listeners",
      });
    }

    beforeAll(async () => {
      mkdirSync(file("plugins/counting"), { recursive: true });
      writeFileSync(file("plugins/counting/index.mjs"), COUNTING_SOURCE);
      broker = await kafka();
      bootstrap = `127.0.0.1:${broker.rootPort}`;
      client = kafkaClient(bootstrap);
      await startWorker();
      statuses = await StatusWatch.open(bootstrap);
    });
    afterAll(async () => {
      await client?.close();
      await statuses?.close();
      await worker?.close();
      await broker?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const countTo = (name: string, limit: number) => writeFileSync(file(name), String(limit));

    const counts = (name: string, tasks: number, more: Record<string, string> = {}) => ({
      "connector.class": "counting.Counts",
      "exactly.once.support": "required",
      "tasks.max": String(tasks),
      topic: name,
      partitions: "4",
      limit: file(name),
      ...more,
    });

    async function remove(name: string): Promise<void> {
      await rest().delete(`/connectors/${name}`);
      await statuses.gone(name);
    }

    /** Takes over a transactional id, as a producer that should not exist. */
    async function takeOver(transactionalId: string): Promise<void> {
      const producer = client.transactionalProducer({ transactionalId }, { acknowledged() {}, failed() {} });
      await producer.init();
      await producer.close(0);
    }

    test("several exactly-once tasks: every record is there once, in order, as their number and their worker change", async () => {
      const name = "several";
      countTo(name, 0);
      const progress = await progressOf(bootstrap, name);
      await rest().create(name, counts(name, 2));
      await statuses.running(name, 2);
      let limit = 0;
      /** Changes something while 200 more of each partition are written. */
      const amid = async (change: () => Promise<unknown>) => {
        limit += 200;
        countTo(name, limit);
        await progress.reached(4 * limit - 600);
        await change();
        await progress.reached(4 * limit);
      };
      const tasks = async (number: number) => {
        const running = statuses.until(name, (all) => all.tasks.length === number);
        await rest().put(`/connectors/${name}/config`, counts(name, number));
        await running;
      };
      await amid(() => tasks(4));
      await amid(() => tasks(1));
      await amid(async () => {
        await worker.abandon();
        await startWorker();
      });
      await amid(() => tasks(3));
      await amid(async () => {
        const failed = statuses.until(name, (all) => all.tasks[1]?.[1].state === "FAILED");
        await takeOver(`test-cluster-${name}-1`);
        limit += 200;
        countTo(name, limit);
        expect((await failed).tasks[1]?.[1].trace).toMatch(/transactional id/);
        await rest().post(`/connectors/${name}/tasks/1/restart`);
        await statuses.running(name, 3);
      });
      await progress.close();
      const values = await committedValues(bootstrap, name, (read) => read.length >= 4 * limit);
      for (const of of ["0", "1", "2", "3"]) {
        expect(values.filter((value) => value.startsWith(`${of}:`))).toEqual(
          Array.from({ length: limit }, (_, count) => `${of}:${count}`),
        );
      }
      await remove(name);
    });

    test("a connector's own boundaries: aborted transactions are not seen, and their offsets are passed", async () => {
      const name = "batches";
      const progress = await progressOf(bootstrap, name);
      const config = {
        "connector.class": "counting.Batches",
        "exactly.once.support": "required",
        "transaction.boundary": "connector",
        topic: name,
        batches: "13",
      };
      const sizes = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233];
      const expected: string[] = [];
      let total = 0;
      for (const [at, size] of sizes.entries()) {
        for (let count = total; at % 2 === 0 && count < total + size; count++) expected.push(String(count));
        total += size;
      }
      await rest().create(name, config);
      await progress.reached(200);
      await worker.abandon();
      await startWorker();
      const values = await committedValues(bootstrap, name, (read) => read.at(-1) === String(total - 1));
      expect(values).toEqual(expected);
      await progress.close();
      const stopped = statuses.until(name, (all) => all.connector?.state === "STOPPED" && all.tasks.length === 0);
      await rest().put(`/connectors/${name}/stop`);
      await stopped;
      expect((await rest().get(`/connectors/${name}/offsets`)).body).toEqual({
        offsets: [{ partition: {}, offset: { count: total - 1 } }],
      });
      await remove(name);
    });

    test("a worker that starts does not wait for the transactions that its own tasks have left open when it died", async () => {
      const dead = client.transactionalProducer({ transactionalId: "dead" }, { acknowledged() {}, failed() {} });
      await dead.init();
      dead.begin();
      const [key, value] = [Buffer.from('["dead",{}]'), Buffer.from("{}")];
      for (const partition of [0, 1, 2])
        dead.append({ topic: "connect-offsets", partition, key, value, timestampMs: 0, headers: [] }, undefined);
      await dead.flush();
      await worker.abandon();
      await startWorker();
      expect((await rest().get("/connectors")).body).toEqual([]);
      await dead.abort();
      await dead.close(0);
    });

    test("a leader whose producer is fenced from outside writes on, and loses nothing that it has acknowledged", async () => {
      const names = Array.from({ length: 8 }, (_, at) => `fenced-${at}`);
      const leader = "connect-cluster-test-cluster";
      // The first one of a leader takes the id over from whoever has it.
      await rest().create("first", { ...counts("first", 1), limit: file("none") }, "STOPPED");
      await remove("first");
      // As by Kafka Connect: the leader cannot know that no other one has fenced it, so the request fails.
      const FENCED = { status: 500, body: { message: expect.stringContaining("PRODUCER_FENCED") } };
      for (const name of names) {
        countTo(name, 0);
        const config = counts(name, 1);
        const body = { name, config, initial_state: "STOPPED" };
        await takeOver(leader);
        expect(await rest().post("/connectors", body)).toMatchObject(FENCED);
        expect((await rest().post("/connectors", body)).status).toBe(201);
      }
      const changed = await Promise.all(
        names.map(async (name) => {
          await takeOver(leader);
          return (await rest().put(`/connectors/${name}/config`, counts(name, 1, { partitions: "2" }))).status === 200;
        }),
      );
      await worker.abandon();
      await startWorker();
      for (const [at, name] of names.entries()) {
        const { partitions } = (await rest().get(`/connectors/${name}/config`)).body as Record<string, string>;
        expect(partitions).toBe(changed[at] ? "2" : "4");
        await remove(name);
      }
    });

    test("tasks whose predecessors may not be fenced are FAILED with the reason, and run once they may", async () => {
      const name = "denied";
      countTo(name, 100);
      const progress = await progressOf(bootstrap, name);
      await rest().create(name, counts(name, 2));
      await progress.reached(400);
      const acl = { resourceType: TRANSACTIONAL_ID, resourceName: `test-cluster-${name}-`, patternType: PREFIXED };
      const entry = { ...acl, principal: "User:ann", host: "*", operation: WRITE, permissionType: DENY };
      expect(await client.admin.createAcls([entry])).toEqual([undefined]);
      const failed = statuses.until(
        name,
        ({ tasks }) => tasks.length === 3 && tasks.every(([, { state }]) => state === "FAILED"),
      );
      await rest().put(`/connectors/${name}/config`, counts(name, 3));
      const { connector, tasks } = await failed;
      expect(connector?.state).toBe("RUNNING");
      for (const [, { trace }] of tasks) {
        expect(trace).toMatch(
          /Could not fence the producers of the earlier tasks of connector denied: .*TRANSACTIONAL_ID_AUTHORIZATION_FAILED/,
        );
      }
      const root = await BrokerClient.connect(broker.rootPort);
      await root.request(deleteAcls, 3, { filters: [ANY_ACL] });
      root.close();
      const running = statuses.running(name, 3);
      await rest().post(`/connectors/${name}/restart?includeTasks=true&onlyFailed=true`);
      await running;
      countTo(name, 200);
      const values = await committedValues(bootstrap, name, (read) => read.length >= 800);
      expect(values).toHaveLength(800);
      expect(new Set(values).size).toBe(800);
      await progress.close();
      await remove(name);
    });

    test("a task that produces to the topic of its own offsets fails, instead of waiting for itself", async () => {
      countTo("own-offsets", 10);
      const failed = statuses.until("own-offsets", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
      await rest().create("own-offsets", { ...counts("own-offsets", 1), topic: "connect-offsets" });
      expect((await failed).tasks[0]?.[1].trace).toContain(
        "The task produces to connect-offsets, the topic of its own",
      );
      await remove("own-offsets");
    });

    test("a source whose topic is missing waits, ends when it is deleted, and writes once the worker may create topics", async () => {
      await worker.close();
      await startWorker({ "topic.creation.enable": "false" });
      const rules = {
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.groups": "starved",
        "topic.creation.starved.include": "starv.*",
        "topic.creation.starved.partitions": "3",
      };
      const starves = (name: string) =>
        statuses.until(name, ({ tasks }) => tasks[0]?.[1].trace?.includes(name) === true);
      for (const name of ["starved", "given-up"]) {
        countTo(name, 10);
        await rest().create(name, counts(name, 1, rules));
        expect((await starves(name)).tasks[0]?.[1].state).toBe("RUNNING");
      }
      await remove("given-up");
      await worker.close();
      await startWorker({ "topic.creation.enable": "true" });
      await statuses.until("starved", () => statuses.usesTopic("starved", "starved"));
      while (!(await client.admin.describeTopics(["starved"])).topics.get("starved")?.partitions.length);
      const { topics } = await client.admin.describeTopics(["starved", "given-up"]);
      expect([topics.get("starved")?.partitions.length, topics.get("given-up")?.partitions.length ?? 0]).toEqual([
        3, 0,
      ]);
      const reader = await TopicReader.open(bootstrap, ["starved"], "read_committed");
      while (reader.of("starved").length < 40) await reader.readToEnd();
      await reader.close();
      await remove("starved");
    });
  });
}
