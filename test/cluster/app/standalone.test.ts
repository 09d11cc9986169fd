import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readPropertiesFile } from "../../../src/app/properties-file.js";
import { type RunningStandalone, startStandaloneStack } from "../../../src/app/stack-standalone.js";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { lineLogger } from "../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { readJavaMap } from "../../../src/stores/standalone/java-map.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { fileText } from "../../support/file-watch.js";
import { RestClient } from "../../support/rest-client.js";

const STRING = "org.apache.kafka.connect.storage.StringConverter";

let broker: TestBroker;
let folder: string;
let worker: RunningStandalone | undefined;

beforeEach(async () => {
  broker = await startTestBroker({ properties: { "group.initial.rebalance.delay.ms": "0" } });
  folder = mkdtempSync(join(tmpdir(), "millrace-standalone-"));
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string) => join(folder, name);

async function start(...connectorFiles: string[]): Promise<RestClient> {
  worker = await startStandaloneStack(
    {
      props: {
        "bootstrap.servers": broker.bootstrap,
        "key.converter": STRING,
        "value.converter": STRING,
        "offset.storage.file.filename": path("connect.offsets"),
        "offset.flush.interval.ms": "500",
        listeners: "http://127.0.0.1:0",
        "task.isolation": "none",
        "consumer.heartbeat.interval.ms": "500",
      },
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
      levels: new LogLevels("off"),
      env: {},
      restOption: "listeners",
    },
    connectorFiles,
  );
  return new RestClient(worker.restUrl);
}

function file(name: string, content: string): string {
  writeFileSync(path(name), content);
  return path(name);
}

const source = () => ({ "connector.class": "FileStreamSource", file: path("from.txt"), topic: "lines" });

describe("a standalone worker", () => {
  test("starts from config/standalone.properties, without a warning and without talk of a group", async () => {
    const lines: string[] = [];
    const levels = new LogLevels("info");
    const clock = new SystemClock();
    const props = {
      ...readPropertiesFile("config/standalone.properties"),
      "bootstrap.servers": broker.bootstrap,
      "offset.storage.file.filename": path("connect.offsets"),
      listeners: "http://127.0.0.1:0",
      "task.isolation": "none",
    };
    const runs = deferred();
    const take = (line: string) => {
      lines.push(line);
      if (line.includes("A task is RUNNING")) runs.resolve();
    };
    const logger = lineLogger(take, clock, levels, "test");
    const options = { props, clock, random: new SystemRandom(), logger, levels, env: {}, restOption: "listeners" };
    worker = await startStandaloneStack(options, [
      file("in.json", '{"name":"in","connector.class":"FileStreamSource","topic":"t","file":"none"}'),
    ]);
    expect(await new RestClient(worker.restUrl).get("/connectors")).toMatchObject({ status: 200 });
    await runs.promise;
    expect(lines.filter((line) => / WARN | ERROR |Joined the group/.test(line))).toEqual([]);
  });

  test("runs the connectors of its command line, and goes on from its offset file", async () => {
    file("from.txt", "one\ntwo\n");
    const sink = { "connector.class": "FileStreamSink", file: path("to.txt"), topics: "lines" };
    const files = [
      file("in.properties", `name=in\n${propertiesOf(source())}`),
      file("out.json", JSON.stringify({ name: "out", config: sink })),
    ];
    await start(...files);
    await fileText(path("to.txt"), (text) => text === "one\ntwo\n");
    await worker!.close();
    const [entry] = readJavaMap(readFileSync(path("connect.offsets")));
    expect(String(entry!.key)).toBe(JSON.stringify(["in", { filename: path("from.txt") }]));
    expect(JSON.parse(String(entry!.value))).toMatchObject({ position: 8 });

    appendFileSync(path("from.txt"), "three\n");
    const rest = await start(...files);
    await fileText(path("to.txt"), (text) => text.endsWith("three\n"));
    expect(readFileSync(path("to.txt"), "utf8")).toBe("one\ntwo\nthree\n");
    expect((await rest.get("/connectors")).body).toEqual(["in", "out"]);
  });

  test("answers a write once the connector's tasks exist", async () => {
    const rest = await start();
    file("from.txt", "");
    const created = await rest.put("/connectors/in/config", source());
    expect(created).toMatchObject({ status: 201, body: { tasks: [{ connector: "in", task: 0 }] } });
    expect((await rest.get("/connectors/in/tasks")).body).toMatchObject([{ config: { topic: "lines" } }]);
    const posted = await rest.post("/connectors", { name: "in-2", config: source() });
    expect(posted).toMatchObject({ status: 201, body: { tasks: [{ task: 0 }] } });
    const stopped = await rest.post("/connectors", { name: "in-3", config: source(), initial_state: "STOPPED" });
    expect(stopped).toMatchObject({ status: 201, body: { tasks: [] } });
    expect((await rest.put("/connectors/in/stop")).status).toBe(204);
    expect((await rest.delete("/connectors/in")).status).toBe(204);
    expect((await rest.get("/connectors")).body).toEqual(["in-2", "in-3"]);
  });

  test("publishes no task configs for anybody", async () => {
    const rest = await start();
    file("from.txt", "");
    await rest.put("/connectors/in/config", source());
    expect((await rest.post("/connectors/in/tasks", [])).status).toBe(500);
    expect((await rest.get("/connectors/in/tasks")).body).toHaveLength(1);
    expect(await rest.post("/connectors/in/tasks/7/restart")).toMatchObject({
      status: 404,
      body: { message: "Task in-7 not found" },
    });
  });

  test("ends when a connector of its command line is refused, naming file and reason", async () => {
    await start(file("bad.properties", "name=bad\nconnector.class=FileStreamSource\ntasks.max=0\n"));
    await expect(worker!.failed).rejects.toThrow(/Connector bad of .*bad\.properties cannot be created: .*tasks\.max/s);
  });

  test("ends when two of its files name the same connector", async () => {
    file("from.txt", "");
    await start(
      file("a.properties", propertiesOf({ name: "in", ...source() })),
      file("b.json", JSON.stringify({ name: "in", config: source() })),
    );
    await expect(worker!.failed).rejects.toThrow(
      /Connector in of .*b\.json cannot be created: Connector in already exists/,
    );
  });

  test("does not start over an offset file of another format", async () => {
    file("connect.offsets", "position=8\n");
    await expect(start()).rejects.toThrow(/offset\.storage\.file\.filename: .*connect\.offsets is not a serialized/);
  });
});

function propertiesOf(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
