import { execFile } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { fileText } from "../support/file-watch.js";
import { kafkaClient } from "../support/kafka-client.js";
import { RestClient } from "../support/rest-client.js";
import { findPeers, isOnPath, Peers } from "./peers.js";

const run = promisify(execFile);
const { script, missing } = findPeers();
const kcatMissing = !isOnPath("kcat");
if (kcatMissing) console.warn("\n*** kcat against the bundled broker is SKIPPED: kcat not found ***\n");

describe.skipIf(missing)("the stock Java tools on the bundled broker", () => {
  let broker: TestBroker;
  let peers: Peers;
  beforeAll(async () => {
    broker = await startTestBroker();
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap });
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.close();
  });
  const topics = (...args: string[]) =>
    peers.tool("org.apache.kafka.tools.TopicCommand", ["--bootstrap-server", broker.bootstrap, ...args]);

  test("TopicCommand creates, describes, alters, lists and deletes topics", async () => {
    await topics("--create", "--topic", "made", "--partitions", "2", "--config", "retention.ms=60000");
    const described = await topics("--describe", "--topic", "made");
    expect(described).toMatch(/Topic: made\s.*PartitionCount: 2\s.*ReplicationFactor: 1\s.*retention\.ms=60000/);
    await topics("--alter", "--topic", "made", "--partitions", "3");
    expect(await topics("--describe", "--topic", "made")).toContain("PartitionCount: 3");
    expect((await topics("--list")).split("\n")).toContain("made");
    await topics("--delete", "--topic", "made");
    expect((await topics("--list")).split("\n")).not.toContain("made");
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "what the console producer sends (idempotent, %s) the console consumer reads in its group",
    async (codec) => {
      const topic = `console-${codec}`;
      const lines = Array.from({ length: 500 }, (_, i) => `key${i}\tvalue ${i} é`);
      await peers.tool(
        "org.apache.kafka.tools.ConsoleProducer",
        [
          ...["--bootstrap-server", broker.bootstrap, "--topic", topic, "--compression-codec", codec],
          ...["--reader-property", "parse.key=true"],
        ],
        `${lines.join("\n")}\n`,
      );
      const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
        ...["--bootstrap-server", broker.bootstrap, "--topic", topic, "--from-beginning", "--max-messages", "500"],
        ...["--group", `group-${codec}`, "--formatter-property", "print.key=true", "--timeout-ms", "60000"],
      ]);
      expect(read.trimEnd().split("\n")).toEqual(lines);
    },
  );

  test("Java's transactional producer writes, its readers of committed records see that and nothing aborted", async () => {
    const server = ["--bootstrap-server", broker.bootstrap];
    await topics("--create", "--topic", "committed", "--partitions", "1");
    await peers.tool("org.apache.kafka.tools.ProducerPerformance", [
      ...["--topic", "committed", "--num-records", "500", "--record-size", "10", "--throughput", "-1"],
      ...["--transactional-id", "perf", "--transaction-duration-ms", "50"],
      ...["--producer-props", `bootstrap.servers=${broker.bootstrap}`],
    ]);
    const ours = kafkaClient(broker.bootstrap);
    try {
      const aborted = ours.transactionalProducer({ transactionalId: "ours" }, { acknowledged() {}, failed() {} });
      await aborted.init();
      for (const [value, end] of [
        ["aborted", "abort"],
        ["last", "commit"],
      ] as const) {
        aborted.begin();
        const [key, headers] = [null, []];
        await aborted.send([
          { topic: "committed", partition: 0, key, value: Buffer.from(value), timestampMs: Date.now(), headers },
        ]);
        await aborted[end]();
      }
    } finally {
      await ours.close();
    }
    const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...[...server, "--topic", "committed", "--from-beginning", "--max-messages", "501", "--timeout-ms", "60000"],
      ...["--isolation-level", "read_committed"],
    ]);
    const lines = read.trimEnd().split("\n");
    expect([lines.length, lines.at(-1)]).toEqual([501, "last"]);
    expect(lines.slice(0, 500).every((line) => /^[A-Z]{10}$/.test(line))).toBe(true);
    const listed = await peers.tool("org.apache.kafka.tools.TransactionsCommand", [...server, "list"]);
    expect(listed).toMatch(/perf\s+.*CompleteCommit/);
  });

  test("the real Connect worker runs on it and moves a file through a topic", async () => {
    await peers.startConnect();
    const rest = new RestClient(peers.connectUrl, false);
    const folder = mkdtempSync(join(tmpdir(), "millrace-external-"));
    const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
    try {
      writeFileSync(from, `${lines.slice(0, 600).join("\n")}\n`);
      const moved = fileText(to, (text) => text === `${lines.join("\n")}\n`);
      const converter = "org.apache.kafka.connect.storage.StringConverter";
      const common = { "tasks.max": "1", "key.converter": converter, "value.converter": converter };
      await rest.create("from", {
        ...common,
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        file: from,
        topic: "moved",
      });
      await rest.create("to", {
        ...common,
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        file: to,
        topics: "moved",
        "consumer.override.auto.offset.reset": "earliest",
      });
      appendFileSync(from, `${lines.slice(600).join("\n")}\n`);
      await moved;
      expect((await rest.get("/connectors/from/status")).body).toMatchObject({ tasks: [{ state: "RUNNING" }] });
    } catch (error) {
      throw new Error(`The worker says: ${peers.log("connect")}`, { cause: error });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(kcatMissing)("kcat on the bundled broker", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  });
  afterAll(() => broker?.close());

  test("it lists, produces and consumes, with keys, headers and compression", async () => {
    const kcat = async (args: string[], input = "") => {
      const running = run("kcat", ["-b", broker.bootstrap, ...args], { timeout: 60_000 });
      running.child.stdin?.end(input);
      return (await running).stdout;
    };
    const lines = Array.from({ length: 300 }, (_, i) => `k${i}:value ${i}`);
    await kcat(["-P", "-t", "kcat", "-K:", "-z", "gzip", "-H", "origin=kcat"], `${lines.join("\n")}\n`);
    expect(await kcat(["-L", "-t", "kcat"])).toMatch(/topic "kcat" with 1 partitions/);
    const read = await kcat(["-C", "-t", "kcat", "-e", "-q", "-f", "%k:%s %h\n", "-X", "check.crcs=true"]);
    expect(read.trimEnd().split("\n")).toEqual(lines.map((line) => `${line} origin=kcat`));
  });
});
