import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileText } from "../../support/file-watch.js";
import { StackProcesses } from "../../support/stack.js";
import type { StatusWatch } from "../../support/status-watch.js";

describe("broker and worker as processes", () => {
  let stack: StackProcesses;
  let statuses: StatusWatch;
  let source: string;
  let copy: string;

  beforeAll(async () => {
    stack = await StackProcesses.start();
    statuses = await stack.statuses();
    source = join(stack.folder, "lines.txt");
    copy = join(stack.folder, "copy.txt");
    writeFileSync(source, "one\n");
    const sourceClass = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    await stack.rest.create("in", { "connector.class": sourceClass, file: source, topic: "lines" });
    await statuses.running("in");
    await stack.rest.create("out", { "connector.class": "FileStreamSink", file: copy, topics: "lines" });
    await statuses.running("out");
    await fileText(copy, (text) => text.includes("one\n"));
  });
  afterAll(async () => {
    await statuses.close();
    await stack.close();
  });

  test("a killed worker continues after its restart", async () => {
    await stack.worker.kill9();
    appendFileSync(source, "two\n");
    await stack.startWorker();
    await fileText(copy, (text) => text.includes("two\n"));
    expect((await stack.rest.get("/connectors")).body).toEqual(["in", "out"]);
  });

  test("a worker recovers by itself from a kill and restart of the broker", async () => {
    await stack.broker.kill9();
    appendFileSync(source, "three\n");
    await stack.startBroker();
    await fileText(copy, (text) => text.includes("three\n"));
    const config = { "connector.class": "FileStreamSink", file: join(stack.folder, "more.txt"), topics: "lines" };
    await stack.rest.create("more", config);
    await statuses.running("more");
    expect(await stack.rest.get("/health")).toMatchObject({ status: 200, body: { status: "healthy" } });
  });

  test("a worker that lost its group stops everything, and starts it again once the broker is back", async () => {
    const dropped = stack.worker.line(/This worker has lost its place in the group/);
    await stack.broker.kill9();
    await dropped;
    appendFileSync(source, "later\n");
    await stack.startBroker();
    await fileText(copy, (text) => text.includes("later\n"));
    await statuses.running("in");
    await statuses.running("out");
  });

  test("SIGTERM stops the worker cleanly, with its offsets committed", async () => {
    appendFileSync(source, "four\n");
    await fileText(copy, (text) => text.includes("four\n"));
    const stopped = statuses.until("in", ({ connector }) => connector?.state === "UNASSIGNED");
    expect(await stack.worker.stop()).toBe("status 0");
    await stopped;
    await stack.startWorker();
    await statuses.running("in");
    appendFileSync(source, "five\n");
    const text = await fileText(copy, (text) => text.includes("five\n"));
    expect(text.split("\n").filter((line) => line === "four")).toHaveLength(1);
  });

  test("SIGTERM stops the worker even without the broker, and uncommitted records are delivered again", async () => {
    await stack.broker.kill9();
    const startedMs = performance.now();
    expect(await stack.worker.stop()).toBe("status 0");
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    await stack.startBroker();
    await stack.startWorker();
    appendFileSync(source, "last\n");
    await fileText(copy, (text) => text.includes("last\n"));
  });
});
