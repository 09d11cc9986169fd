import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaClient } from "../../support/kafka-client.js";
import { MillraceProcess } from "../../support/millrace-process.js";
import { RestClient } from "../../support/rest-client.js";
import { testWorkerProps } from "../../support/stack.js";

const QUIET = { MILLRACE_LOG_LEVEL: "error" };

describe("the command line", () => {
  let folder: string;
  let up: MillraceProcess;
  let kafka: string;
  let rest: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-cli-"));
    const args = ["up", "--data", join(folder, "data"), "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0"];
    up = new MillraceProcess(args, QUIET);
    [, kafka = ""] = await up.line(/^Kafka broker: (\S+:\d+)$/);
    [, rest = ""] = await up.line(/^REST interface: http:\/\/(\S+:\d+)$/);
  });
  afterAll(async () => {
    await up.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const properties = (name: string, props: Readonly<Record<string, string>>): string => {
    const file = join(folder, `${name}.properties`);
    writeFileSync(
      file,
      Object.entries(props)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
    );
    return file;
  };

  /** Runs a command that fails, and returns its output. */
  const refused = async (status: number, ...args: string[]) => {
    const failed = new MillraceProcess(args, QUIET);
    expect(await failed.exited).toBe(`status ${status}`);
    return failed.log;
  };

  test("up serves Kafka Connect's REST at the address that it prints", async () => {
    expect((await new RestClient(`http://${rest}`).get("/")).body).toMatchObject({ version: "4.3.1" });
  });

  test("a data folder that is in use is named", async () => {
    const line = await refused(2, "broker", "--data", join(folder, "data"), "--listen", "127.0.0.1:0");
    expect(line).toMatch(/^millrace: Data folder .*data.* is in use by another broker/);
  });

  test("a broker's port that is in use is named", async () => {
    const line = await refused(2, "up", "--data", join(folder, "other"), "--kafka", kafka, "--rest", "127.0.0.1:0");
    expect(line).toMatch(new RegExp(`^millrace: Port .* is in use.*${kafka}`));
  });

  test("a REST port that is in use is named, and the broker that was started before is stopped", async () => {
    const data = join(folder, "other");
    const args = ["up", "--data", data, "--kafka", "127.0.0.1:0", "--rest", rest];
    expect(await refused(2, ...args)).toContain(`millrace: REST cannot listen on ${rest}: the port is in use`);
    expect(await refused(2, ...args)).not.toContain("Data folder");
  });

  test.each([
    ["worker", "group.id", { "bootstrap.servers": "127.0.0.1:1" }],
    ["worker", "bootstrap.servers", { "group.id": "g" }],
    ["standalone", "offset.storage.file.filename", { "bootstrap.servers": "127.0.0.1:1" }],
  ])("%s without %s is refused, naming the key and the file that lacks it", async (command, key, props) => {
    const file = properties(`no-${command}-${key}`, props);
    expect(await refused(1, command, file)).toBe(
      `millrace: Missing required configuration "${key}" which has no default value. It is missing from ${file}.`,
    );
  });

  test("a connector of standalone's command line that cannot be read or is refused ends it with status 3, by its file", async () => {
    const worker = properties("standalone", {
      "bootstrap.servers": kafka,
      "key.converter": "org.apache.kafka.connect.storage.StringConverter",
      "value.converter": "org.apache.kafka.connect.storage.StringConverter",
      "offset.storage.file.filename": join(folder, "connect.offsets"),
      listeners: "http://127.0.0.1:0",
    });
    const absent = join(folder, "absent.json");
    const nameless = properties("nameless", { "connector.class": "FileStreamSource" });
    const bad = properties("bad", { name: "bad", "connector.class": "FileStreamSource", "tasks.max": "0" });
    for (const file of [absent, nameless, bad]) {
      const line = (await refused(3, "standalone", worker, file)).split("\n").at(-1);
      expect(line).toMatch(/^millrace: /);
      expect(line).toContain(file);
    }
  });

  test.each([
    ["log.level", "loud", /Invalid value loud for log.level or MILLRACE_LOG_LEVEL: off, fatal, error/],
    ["log.levels", "io.debezium=loud", /Invalid value io.debezium=loud for log.levels: write NAME=LEVEL/],
    ["log.format", "xml", /Invalid value xml for log.format or MILLRACE_LOG_FORMAT: text, json/],
  ])("%s=%s is refused", async (key, value, reason) => {
    const failed = new MillraceProcess(["broker", "--config", properties("log", { [key]: value })]);
    expect(await failed.exited).toBe("status 1");
    expect(failed.log).toMatch(reason);
  });

  test("log.format=json makes every line of broker and worker one JSON object, at the levels of log.levels", async () => {
    const props = {
      "log.level": "warn",
      "log.levels": "org.apache.kafka.connect.runtime.Loggers=info",
      "log.format": "json",
    };
    const json = new MillraceProcess(
      [
        "up",
        "--data",
        join(folder, "json"),
        "--kafka",
        "127.0.0.1:0",
        "--rest",
        "127.0.0.1:0",
        "--config",
        properties("json", props),
      ],
      { MILLRACE_LOG_LEVEL: "debug" },
    );
    const [, address = ""] = await json.line(/^REST interface: (http:\S+)$/);
    await json.line(/^\{.*"logger":"kafka\.server/);
    await new RestClient(address).put("/admin/loggers/a?scope=cluster", { level: "info" });
    await json.line(/^\{.*"logger":"org.apache.kafka.connect.runtime.Loggers".*"fields":\{"logger":"a","level":"info"/);
    await json.stop();
    const lines = json.log.split("\n").filter((line) => !/^(Kafka broker|REST interface): /.test(line));
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ timestamp: expect.any(String), level: expect.any(String) });
  });

  test("a missing or damaged properties file is named", async () => {
    expect(await refused(1, "worker", join(folder, "none"))).toMatch(
      /^millrace: Cannot read .*none: the file does not exist$/,
    );
    const damaged = properties("damaged", { "bootstrap.servers": "\\u00zz" });
    expect(await refused(1, "up", "--config", damaged)).toMatch(/damaged.properties: line 1: malformed/);
  });

  test("a topic that is not compacted is refused, with the remedy", async () => {
    const client = kafkaClient(kafka);
    await client.admin.createTopics([{ name: "kept-for-a-week", partitions: 1, replicationFactor: 1 }]);
    await client.close();
    const props = testWorkerProps(kafka, { "group.id": "third", "status.storage.topic": "kept-for-a-week" });
    expect(await refused(1, "worker", properties("third", props))).toMatch(
      /^millrace: Topic 'kept-for-a-week' supplied via the 'status.storage.topic' property is required to have 'cleanup.policy=compact'/,
    );
  });

  test("a broker that does not answer is named after a timeout", async () => {
    const line = await refused(2, "worker", properties("nobody", testWorkerProps("127.0.0.1:1")));
    expect(line.split("\n").at(-1)).toMatch(
      /^millrace: No broker of bootstrap.servers=127.0.0.1:1 answered \(.*ECONNREFUSED.*\): start Kafka/,
    );
  });

  test("SIGTERM stops a worker in time, and nothing else", async () => {
    const worker = new MillraceProcess(
      ["worker", properties("good", testWorkerProps(kafka, { "group.id": "second" }))],
      QUIET,
    );
    await worker.line(/^REST interface: /);
    expect(await worker.stop()).toBe("status 0");
    expect((await new RestClient(`http://${rest}`).get("/connectors")).status).toBe(200);
  });
});
