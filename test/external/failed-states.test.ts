import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorStateInfo } from "../../src/contract/connector-info.js";
import { MillraceProcess } from "../support/millrace-process.js";
import { RestClient } from "../support/rest-client.js";
import { testWorkerProps } from "../support/stack.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";
const FOLDER = mkdtempSync(join(tmpdir(), "millrace-failed-states-"));
const LINE = join(FOLDER, "line");

type Props = Readonly<Record<string, string>>;

const source = (props: Props): Props => ({ "connector.class": "FileStreamSource", topic: "t", file: LINE, ...props });
const sink = (props: Props): Props => ({
  "connector.class": "FileStreamSink",
  topics: "t",
  file: join(FOLDER, "out"),
  ...props,
});
const creation = (props: Props) =>
  source({ "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1", ...props });
const dead = (props: Props) => sink({ "errors.deadletterqueue.topic.name": "dead", ...props });
const producer = (props: Props) =>
  source(Object.fromEntries(Object.entries(props).map(([key, value]) => [`producer.override.${key}`, value])));

/** At least ours refuses it: the status of each. A client's mistake that the original answers with 500 is 400 here. */
const REFUSED = {
  "a number that is none": [dead({ "errors.deadletterqueue.topic.replication.factor": "x" }), 400, 400],
  "an illegal topic to write": [source({ topic: "a b" }), 201, 400],
  "groups twice": [creation({ "topic.creation.groups": "g,g" }), 400, 400],
  "an override that is no number": [producer({ "linger.ms": "soon" }), 500, 400],
  "an override with an absent class": [producer({ "partitioner.class": "com.example.Absent" }), 500, 400],
} as const;

/** Both take it. The connector is FAILED and has no tasks. */
const FAILED_CONNECTORS: Readonly<Record<string, Props>> = {
  "no replication factor": source({ "topic.creation.default.partitions": "1" }),
  "no partitions": source({ "topic.creation.default.replication.factor": "1" }),
  "a group alone": source({ "topic.creation.groups": "g", "topic.creation.g.include": "x" }),
  "no partition at all": creation({ "topic.creation.default.partitions": "0" }),
  "partitions that are no number": creation({ "topic.creation.default.partitions": "dog" }),
  "a pattern that is none": creation({ "topic.creation.groups": "g", "topic.creation.g.include": "[" }),
  "a group without partitions": creation({ "topic.creation.groups": "g", "topic.creation.g.partitions": "0" }),
  "an illegal offsets topic": source({ "offsets.storage.topic": "a b" }),
};

/** Both take it. The connector is RUNNING, its task FAILED. */
const FAILED_TASKS: Readonly<Record<string, Props>> = {
  "a topic's setting": creation({ topic: "t1", "topic.creation.default.cleanup.policy": "nonsense" }),
  "too many replicas": creation({ topic: "t2", "topic.creation.default.replication.factor": "3" }),
  "an illegal topic to read": sink({ topics: "a b" }),
  "an illegal dead letter topic": dead({
    "errors.deadletterqueue.topic.name": "a b",
    "errors.deadletterqueue.topic.replication.factor": "1",
  }),
  "too many replicas of dead letters": dead({ "errors.tolerance": "all" }),
  "no replica of dead letters": dead({ "errors.deadletterqueue.topic.replication.factor": "0" }),
  "an unknown predicate": source({
    transforms: "a",
    "transforms.a.type": "org.apache.kafka.connect.transforms.Filter",
    "transforms.a.predicate": "nope",
  }),
  acks: producer({ acks: "nonsense" }),
  "a codec": producer({ "compression.type": "nonsense" }),
  "a negative time": producer({ "linger.ms": "-1" }),
  "no port": producer({ "bootstrap.servers": "nohost" }),
  "a protocol": producer({ "security.protocol": "NOPE" }),
  "no login": producer({ "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN" }),
  "a login that is none": producer({
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.jaas.config": "rubbish",
  }),
  "an absent trust store": producer({
    "security.protocol": "SSL",
    "ssl.truststore.location": "/nonexistent.pem",
    "ssl.truststore.type": "PEM",
  }),
  "a transaction of its own": producer({ "transactional.id": "mine" }),
  "the admin client's retries": creation({ topic: "t3", "admin.override.retries": "-5" }),
  isolation: sink({ "consumer.override.isolation.level": "nonsense" }),
  "a reset": sink({ "consumer.override.auto.offset.reset": "nonsense" }),
  "no records": sink({ "consumer.override.max.poll.records": "0" }),
  "a session": sink({
    "consumer.override.session.timeout.ms": "1000",
    "consumer.override.heartbeat.interval.ms": "5000",
  }),
  "an absent assignor": sink({ "consumer.override.partition.assignment.strategy": "com.example.Absent" }),
  "no group": sink({ "consumer.override.group.id": "" }),
  "acks of dead letters": dead({
    "errors.deadletterqueue.topic.replication.factor": "1",
    "producer.override.acks": "nonsense",
  }),
};

/** Settings of clients that the connector does not have, and a group that matches nothing. */
const RUNNING: Readonly<Record<string, Props>> = {
  "a sink's producer": sink({ "producer.override.acks": "nonsense" }),
  "a source's consumer": source({ "consumer.override.isolation.level": "nonsense" }),
  "a group that includes nothing": creation({ "topic.creation.groups": "g", "topic.creation.g.partitions": "1" }),
  "a sink's topics to create": sink({ "topic.creation.default.partitions": "0" }),
};

describe.skipIf(missing)("configurations that fail late, by the real Kafka Connect and by ours", () => {
  let peers: Peers;
  let ours: OurWorker;
  let both: readonly RestClient[];

  beforeAll(async () => {
    writeFileSync(LINE, "a line\n");
    peers = await Peers.prepare(script);
    await peers.startKafka();
    await peers.startConnect();
    const converters = { "key.converter": JSON_CONVERTER, "value.converter": JSON_CONVERTER };
    // Not the real worker's topics: each has connectors of the same names.
    const own = { "group.id": "ours", "config.storage.topic": "ours-configs", "status.storage.topic": "ours-status" };
    ours = await OurWorker.start(peers.bootstrap, { ...converters, ...own });
    both = [new RestClient(peers.connectUrl, false), ours.rest];
  });
  afterAll(async () => {
    await ours?.stop();
    await peers?.stop();
    rmSync(FOLDER, { recursive: true, force: true });
  });

  /** Asks again while a rebalance goes on, which the original answers with 409. */
  async function create(rest: RestClient, name: string, config: Props): Promise<number> {
    for (;;) {
      const { status, body } = await rest.post("/connectors", { name, config });
      if (!/rebalance/.test(JSON.stringify(body))) return status;
    }
  }

  test.each(Object.entries(REFUSED))("refused: %s", async (name, [config, theirs, mine]) => {
    const statuses = await Promise.all(both.map((rest) => create(rest, name, config)));
    expect(statuses).toEqual([theirs, mine]);
  });

  test.each([
    ["FAILED", FAILED_CONNECTORS],
    ["RUNNING FAILED", FAILED_TASKS],
    ["RUNNING RUNNING", RUNNING],
  ] as const)("%s", async (state, cases) => {
    for (const [name, config] of Object.entries(cases)) {
      expect.soft(await Promise.all(both.map((rest) => create(rest, name, config))), name).toEqual([201, 201]);
    }
    for (const name of Object.keys(cases)) {
      const states = () => Promise.all(both.map((rest) => stateOf(rest, name)));
      await expect.poll(states, { timeout: 30_000, message: name }).toEqual([state, state]);
    }
  });

  test("ours says why, by the key as the connector spells it", async () => {
    const traces = async (name: string) => JSON.stringify((await ours.rest.get(`/connectors/${name}/status`)).body);
    expect(await traces("no replication factor")).toContain("topic.creation.default.replication.factor");
    expect(await traces("acks")).toContain("Invalid value nonsense for configuration producer.override.acks");
    expect(await traces("no replica of dead letters")).toContain(
      "Could not initialize dead letter queue with topic=dead",
    );
    expect(await traces("a login that is none")).not.toContain("rubbish");
  });

  test("a worker of ours whose topics want more replicas than there are brokers ends, naming the property", async () => {
    const file = join(FOLDER, "replicas.properties");
    const props = testWorkerProps(peers.bootstrap, {
      "group.id": "replicas",
      "config.storage.topic": "replicas-configs",
      "offset.storage.topic": "replicas-offsets",
      "status.storage.topic": "replicas-status",
      "status.storage.replication.factor": "3",
    });
    writeFileSync(
      file,
      Object.entries(props)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
    );
    const worker = new MillraceProcess(["worker", file], { MILLRACE_LOG_LEVEL: "error" });
    expect(await worker.exited).toBe("status 2");
    expect(worker.log).toContain("set status.storage.replication.factor (now 3)");
  });
});

async function stateOf(rest: RestClient, name: string): Promise<string> {
  const { status, body } = await rest.get(`/connectors/${name}/status`);
  if (status !== 200) return String(status);
  const { connector, tasks } = body as ConnectorStateInfo;
  return [connector, ...tasks].map(({ state }) => state).join(" ");
}
