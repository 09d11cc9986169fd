import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { BrokerClient } from "../../support/broker-client.js";
import { kafkaClient } from "../../support/kafka-client.js";
import { MillraceProcess } from "../../support/millrace-process.js";

const WARNINGS = { MILLRACE_LOG_LEVEL: "warn" };

let folder: string;
let running: MillraceProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-settings-"));
  running = undefined;
});
afterEach(async () => {
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function properties(name: string, props: Readonly<Record<string, string>>): string {
  const file = join(folder, name);
  const lines = Object.entries(props).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(file, lines.join(""));
  return file;
}

/** Starts `millrace ARGS…`; resolves with the port its broker listens on. */
async function start(...args: string[]): Promise<number> {
  running = new MillraceProcess([...args, "--data", join(folder, "data")], WARNINGS);
  const [, port] = await running.line(/^Kafka broker: \S+:(\d+)$/);
  return Number(port);
}

async function toldBy(port: number, topic?: string) {
  const client = await BrokerClient.connect(port);
  const topics = topic === undefined ? [] : [{ name: topic }];
  const answer = await client.request(metadata, 9, { topics, allowAutoTopicCreation: true });
  client.close();
  const { host, port: toldPort } = answer.brokers[0]!;
  return { address: `${host}:${toldPort}`, topics: answer.topics };
}

async function staticSettings(port: number): Promise<Record<string, string | null>> {
  const client = await BrokerClient.connect(port);
  const resources = [{ resourceType: 4, resourceName: "1", configurationKeys: null }];
  const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: false });
  client.close();
  const given = results[0]!.configs.filter(({ configSource }) => configSource === 4);
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}

const SETTINGS = {
  "advertised.listeners": "PLAINTEXT://kafka.example.test:19092",
  "auto.create.topics.enable": "false",
  "log.retention.hours": "1",
};

describe("millrace broker --config", () => {
  test("takes Kafka's broker properties", async () => {
    const file = properties("b", { listeners: "PLAINTEXT://0.0.0.0:0", "made.up": "1", ...SETTINGS });
    const port = await start("broker", "--config", file);
    const told = await toldBy(port, "new");
    expect(told.address).toBe("kafka.example.test:19092");
    expect(told.topics).toMatchObject([{ errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(await staticSettings(port)).toMatchObject({ ...SETTINGS, listeners: "PLAINTEXT://0.0.0.0:0" });
    await running!.line(/not known here and has no effect.*made\.up/);
    await running!.line(/listens beyond this machine without authentication/);
  });

  test("prefers --listen, and keeps the data in log.dirs", async () => {
    const logs = join(folder, "logs");
    const file = properties("b", { listeners: "PLAINTEXT://0.0.0.0:0", "log.dirs": logs });
    const port = await start("broker", "--config", file, "--listen", "127.0.0.1:0");
    expect((await toldBy(port)).address).toBe(`127.0.0.1:${port}`);
    expect(await staticSettings(port)).toMatchObject({ "log.dirs": logs, listeners: "PLAINTEXT://127.0.0.1:0" });
    expect(running!.log).not.toContain("without authentication");
  });

  test.each([
    ["authorizer.class.name", "com.example.Authorizer"],
    ["sasl.enabled.mechanisms", "GSSAPI"],
    ["log.retention.ms", "soon"],
    ["log.dirs", "/a,/b"],
  ])("refuses %s=%s by name", async (key, value) => {
    const command = ["broker", "--data", join(folder, "data"), "--config", properties("b", { [key]: value })];
    const failed = new MillraceProcess(command, WARNINGS);
    expect(await failed.exited).toBe("status 1");
    expect(failed.log).toMatch(new RegExp(`^millrace: Broker property ${key.replaceAll(".", "\\.")}: `));
  });
});

test("a data folder that cannot be created is named, with the option that chooses another", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  running = new MillraceProcess(["broker", "--data", file], WARNINGS);
  expect(await running.exited).toBe("status 2");
  expect(running.log).toContain(`millrace: Data folder ${join(file, "broker")} cannot be created: ENOTDIR`);
  expect(running.log).toContain("Choose another with --data or log.dirs");
});

test("a password file that cannot be read, or is empty, is named", async () => {
  const empty = join(folder, "empty");
  writeFileSync(empty, "\n");
  for (const [file, reason] of [
    [join(folder, "missing"), "cannot be read"],
    [empty, "is empty"],
  ] as const) {
    running = new MillraceProcess(
      ["broker", "--data", folder, "--add-scram", "ann", "--password-file", file],
      WARNINGS,
    );
    expect(await running.exited).toMatch(/^status [1-9]/);
    expect(running.log).toContain(reason);
    expect(running.log).toContain(file);
  }
});

test("a password is read from the standard input", () => {
  const main = join(import.meta.dirname, "../../../dist/src/main.js");
  const args = [main, "broker", "--data", folder, "--add-scram", "ann", "--password-file", "-"];
  const { stderr } = spawnSync(process.execPath, args, { input: "\npassword", encoding: "utf8" });
  expect(stderr).toContain("The first line of the password file - is empty");
});

describe("millrace up --broker-config", () => {
  test("advertises the configured address; its own worker still reaches the broker", async () => {
    const args = ["--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--broker-config", properties("b", SETTINGS)];
    const port = await start("up", ...args);
    expect(await toldBy(port)).toMatchObject({ address: "kafka.example.test:19092" });
    const [, rest] = await running!.line(/^REST interface: (\S+)$/);
    expect((await fetch(`${rest}/connectors`)).status).toBe(200);
  });

  test("with users: its own worker has a password of its own, others need one", async () => {
    const secured = {
      listeners: "SASL_PLAINTEXT://127.0.0.1:0",
      "sasl.enabled.mechanisms": "SCRAM-SHA-256",
    };
    const password = join(folder, "password");
    writeFileSync(password, "p4ss-word\n");
    const user = ["--add-scram", "SCRAM-SHA-256=[name=ann]", "--password-file", password];
    const args = ["--rest", "127.0.0.1:0", "--broker-config", properties("b", secured), ...user];
    const port = await start("up", ...args);
    const [, rest] = await running!.line(/^REST interface: (\S+)$/);
    expect((await fetch(`${rest}/connectors`)).status).toBe(200);
    await expect(toldBy(port)).rejects.toThrow(/closed the connection/);
    await running!.line(/sent a request before it had authenticated/);
    const client = kafkaClient(`127.0.0.1:${port}`, {
      "security.protocol": "SASL_PLAINTEXT",
      "sasl.mechanism": "SCRAM-SHA-256",
      "sasl.jaas.config":
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="ann" password="p4ss-word";',
    });
    expect((await client.admin.listTopics()).length).toBeGreaterThan(0);
    await client.close();
    expect(running!.log).not.toContain("p4ss-word");
    const modeOf = (...path: string[]) => statSync(join(folder, "data", "broker", ...path)).mode & 0o777;
    expect([modeOf(), modeOf("broker-metadata")]).toEqual([0o700, 0o600]);
  });

  test("is named when the worker's file holds a broker property", async () => {
    const file = properties("w", { "log.retention.hours": "1" });
    await start("up", "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--config", file);
    await running!.line(/Unknown worker properties have no effect.*log\.retention\.hours.*--broker-config/);
  });
});
