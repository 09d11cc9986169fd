import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findPeers, installPeers } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import { javaLibraries } from "./client-cache.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";
import { JavaTools } from "./java-tools.js";

const { script, missing } = findPeers();
const TOOLS = "org.apache.kafka.tools";
const LINES = Array.from({ length: 300 }, (_, at) => `origin:java\tkey${at}\tvalue ${at} é`);

const rows: ClientRow[] = [];

/** A version of the stock tools: where they are, and what their main classes and flags are called. */
interface Tools {
  readonly version: string;
  readonly install: () => Promise<JavaTools>;
  readonly consoleProducer: string;
  readonly configs: string;
  readonly acls: string;
  readonly apiVersions: string;
  readonly readerFlag: string;
  readonly formatterFlag: string;
  readonly messagesFlag: string;
  readonly consumerFlag: string;
}

const VERSIONS: readonly Tools[] = [
  {
    version: "4.3.1",
    install: async () => {
      const logging = `-Dlog4j2.configurationFile=${join(dirname(script), "log4j2.properties")}`;
      return new JavaTools([join(await installPeers(script), "libs")], [logging]);
    },
    consoleProducer: `${TOOLS}.ConsoleProducer`,
    configs: "kafka.admin.ConfigCommand",
    acls: `${TOOLS}.AclCommand`,
    apiVersions: `${TOOLS}.BrokerApiVersionsCommand`,
    readerFlag: "--reader-property",
    formatterFlag: "--formatter-property",
    messagesFlag: "--num-records",
    consumerFlag: "--command-property",
  },
  {
    version: "3.9.2",
    install: async () => new JavaTools([await javaLibraries("3.9.2")]),
    consoleProducer: "kafka.tools.ConsoleProducer",
    configs: "kafka.admin.ConfigCommand",
    acls: "kafka.admin.AclCommand",
    apiVersions: "kafka.admin.BrokerApiVersionsCommand",
    readerFlag: "--property",
    formatterFlag: "--property",
    messagesFlag: "--messages",
    consumerFlag: "--consumer-property",
  },
];

describe.skipIf(missing).each(VERSIONS)("the stock tools of Java's Kafka $version on the bundled broker", (kafka) => {
  const passed: string[] = [];
  const failed = new Set<string>();
  let broker: BundledBroker;
  let tools: JavaTools;
  let folder: string;
  beforeAll(async () => {
    tools = await kafka.install();
    folder = mkdtempSync(join(tmpdir(), "millrace-tools-"));
    broker = await BundledBroker.start({
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    });
  });
  afterAll(async () => {
    const client = `Java ${kafka.version.split(".").slice(0, 2).join(".")}, the stock tools`;
    const result = failed.size === 0 ? "passes" : `fails: ${[...failed].join(", ")}`;
    if (passed.length > 0) rows.push({ client, version: kafka.version, steps: passed, result });
    await broker?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** A main class with the broker's address in front of its arguments. */
  const run = (mainClass: string, ...args: string[]) =>
    tools.run(mainClass, ["--bootstrap-server", broker.bootstrap, ...args]);
  const topics = (...args: string[]) => run(`${TOOLS}.TopicCommand`, ...args);
  const groups = (...args: string[]) => run(`${TOOLS}.consumer.group.ConsumerGroupCommand`, ...args);
  const tool = (name: string, body: () => Promise<void>) =>
    test(name, async () => {
      failed.add(name);
      await body();
      failed.delete(name);
      passed.push(name);
    });

  tool("topics", async () => {
    await topics("--create", "--topic", "made", "--partitions", "2", "--config", "retention.ms=60000");
    const described = await topics("--describe", "--topic", "made");
    expect(described).toMatch(/Topic: made\s.*PartitionCount: 2\s.*ReplicationFactor: 1\s.*retention\.ms=60000/);
    await topics("--alter", "--topic", "made", "--partitions", "3");
    expect(await topics("--describe", "--topic", "made")).toContain("PartitionCount: 3");
    expect((await topics("--list")).split("\n")).toContain("made");
    await topics("--delete", "--topic", "made");
    expect((await topics("--list")).split("\n")).not.toContain("made");
  });

  tool("console producer and consumer, in a group, with each codec", async () => {
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      const written = ["parse.key=true", "parse.headers=true"].flatMap((value) => [kafka.readerFlag, value]);
      const flags = ["--bootstrap-server", broker.bootstrap, "--topic", codec, "--compression-codec", codec];
      await tools.run(kafka.consoleProducer, [...flags, ...written], `${LINES.join("\n")}\n`);
      const shown = ["print.key=true", "print.headers=true"].flatMap((value) => [kafka.formatterFlag, value]);
      const read = await run(
        `${TOOLS}.consumer.ConsoleConsumer`,
        ...["--topic", codec, "--group", `of-${codec}`, "--from-beginning", "--max-messages", "300"],
        ...["--timeout-ms", "60000", ...shown],
      );
      expect(read.trimEnd().split("\n")).toEqual(LINES);
    }
  });

  tool("console consumer with group.protocol=consumer", async () => {
    const read = await run(
      `${TOOLS}.consumer.ConsoleConsumer`,
      ...["--topic", "zstd", "--group", "of-consumers", "--from-beginning", "--max-messages", "300"],
      ...["--timeout-ms", "60000", kafka.consumerFlag, "group.protocol=consumer"],
    );
    expect(read.trimEnd().split("\n")).toEqual(LINES.map((line) => line.split("\t")[2]));
    expect(await groups("--list", "--type", "consumer")).toMatch(/^of-consumers\s+Consumer\s*$/m);
  });

  tool("consumer-groups", async () => {
    const [group, topic] = ["of-gzip", "gzip"];
    expect(await groups("--describe", "--group", group)).toMatch(/of-gzip\s+gzip\s+0\s+300\s+300\s+0/);
    expect(await groups("--describe", "--group", group, "--state")).toContain("Empty");
    await groups("--reset-offsets", "--group", group, "--topic", topic, "--to-offset", "100", "--execute");
    expect(await groups("--describe", "--group", group)).toMatch(/of-gzip\s+gzip\s+0\s+100\s+300\s+200/);
    await groups("--delete", "--group", group);
    const left = (await groups("--list")).split("\n");
    expect([left.includes(group), left.includes("of-zstd")]).toEqual([false, true]);
  });

  tool("configs", async () => {
    const of = ["--entity-type", "topics", "--entity-name", "gzip"];
    await run(kafka.configs, "--alter", ...of, "--add-config", "retention.ms=3600000,cleanup.policy=[compact,delete]");
    const described = await run(kafka.configs, "--describe", ...of);
    expect(described).toContain("retention.ms=3600000");
    expect(described).toContain("cleanup.policy=compact,delete");
    await run(kafka.configs, "--alter", ...of, "--delete-config", "retention.ms");
    expect(await run(kafka.configs, "--describe", ...of)).not.toContain("retention.ms=");
    const brokers = ["--entity-type", "brokers", "--entity-name", "1", "--all"];
    expect(await run(kafka.configs, "--describe", ...brokers)).toMatch(/num\.partitions=1\s/);
  });

  tool("acls", async () => {
    const added = ["--add", "--allow-principal", "User:reader", "--operation", "Read", "--topic", "gzip"];
    expect(await run(kafka.acls, ...added)).toContain("User:reader");
    expect(await run(kafka.acls, "--list", "--topic", "gzip")).toMatch(/principal=User:reader.*operation=READ/);
    await run(kafka.acls, "--remove", "--topic", "gzip", "--force");
    expect(await run(kafka.acls, "--list", "--topic", "gzip")).not.toContain("User:reader");
  });

  tool("delete-records and get-offsets", async () => {
    const file = join(folder, "offsets.json");
    const partitions = [{ topic: "none", partition: 0, offset: 120 }];
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    expect(await run(`${TOOLS}.DeleteRecordsCommand`, "--offset-json-file", file)).toMatch(
      /none-0\s+low_watermark: 120/,
    );
    const first = await run(`${TOOLS}.GetOffsetShell`, "--topic", "none", "--time", "earliest");
    const last = await run(`${TOOLS}.GetOffsetShell`, "--topic", "none", "--time", "latest");
    expect([first.trim(), last.trim()]).toEqual(["none:0:120", "none:0:300"]);
  });

  tool("producer and consumer performance", async () => {
    await topics("--create", "--topic", "perf", "--partitions", "3");
    const load = ["--num-records", "20000", "--record-size", "100", "--throughput", "-1", "--topic", "perf"];
    const producing = ["--producer-props", `bootstrap.servers=${broker.bootstrap}`, "acks=all"];
    const produced = await tools.run(`${TOOLS}.ProducerPerformance`, [...load, ...producing]);
    expect(produced).toMatch(/^20000 records sent/m);
    const consumed = await run(
      `${TOOLS}.ConsumerPerformance`,
      ...["--topic", "perf", kafka.messagesFlag, "20000", "--timeout", "60000"],
    );
    expect(consumed).toMatch(/, 20000, /);
  });

  tool("transactions", async () => {
    const load = ["--num-records", "500", "--record-size", "10", "--throughput", "-1", "--topic", "committed"];
    const transactional = ["--transactional-id", "perf", "--transaction-duration-ms", "50"];
    const producing = ["--producer-props", `bootstrap.servers=${broker.bootstrap}`];
    await tools.run(`${TOOLS}.ProducerPerformance`, [...load, ...transactional, ...producing]);
    expect(await run(`${TOOLS}.TransactionsCommand`, "list")).toMatch(/perf\s+.*CompleteCommit/);
    const described = await run(`${TOOLS}.TransactionsCommand`, "describe", "--transactional-id", "perf");
    expect(described).toMatch(/perf\s+.*CompleteCommit/);
    const read = await run(
      `${TOOLS}.consumer.ConsoleConsumer`,
      ...["--topic", "committed", "--from-beginning", "--max-messages", "500", "--timeout-ms", "60000"],
      ...["--isolation-level", "read_committed"],
    );
    expect(read.trimEnd().split("\n")).toHaveLength(500);
  });

  tool("verifiable producer and consumer", async () => {
    const producing = ["--topic", "verified", "--max-messages", "500", "--acks", "-1"];
    const produced = await run(`${TOOLS}.VerifiableProducer`, ...producing);
    expect(jsonLines(produced).at(-1)).toMatchObject({ name: "tool_data", sent: 500, acked: 500 });
    const consuming = ["--topic", "verified", "--group-id", "verifiers", "--max-messages", "500"];
    const events = jsonLines(await run(`${TOOLS}.VerifiableConsumer`, ...consuming, "--reset-policy", "earliest"));
    const committed = events.filter(({ name }) => name === "offsets_committed");
    expect(committed.at(-1)).toMatchObject({ success: true, offsets: [{ topic: "verified", offset: 500 }] });
    const consumed = events.filter(({ name }) => name === "records_consumed");
    expect(consumed.reduce((sum, { count }) => sum + (count as number), 0)).toBe(500);
  });

  tool("log-dirs", async () => {
    const described = await run(`${TOOLS}.LogDirsCommand`, "--describe", "--topic-list", "perf");
    const json = JSON.parse(described.slice(described.indexOf("{"))) as LogDirs;
    const sizes = json.brokers[0]!.logDirs[0]!.partitions.map(({ partition, size }) => [partition, size > 100_000]);
    expect(sizes.sort()).toEqual([
      ["perf-0", true],
      ["perf-1", true],
      ["perf-2", true],
    ]);
  });

  tool("broker-api-versions", async () => {
    const versions = await run(kafka.apiVersions);
    expect(versions).toMatch(/^127\.0\.0\.1:\d+ \(id: 1 rack: null.*\) -> \(/m);
    expect(versions).toMatch(/^\tProduce\(0\): 0 to 13 \[usable: \d+\],$/m);
  });
});

test("docs/compatibility.md says so", () => expectDocumented(rows));

interface LogDirs {
  readonly brokers: readonly {
    readonly logDirs: readonly {
      readonly partitions: readonly { readonly partition: string; readonly size: number }[];
    }[];
  }[];
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
