import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningWorker } from "../../../src/app/stack-worker.js";
import { fileText } from "../../support/file-watch.js";
import { RestClient } from "../../support/rest-client.js";
import { TestStack } from "../../support/stack.js";

describe("two workers of one group", () => {
  let stack: TestStack;
  let other: RunningWorker;
  let follower: RestClient;
  const workerIds = () => [stack.worker.restUrl, other.restUrl].map((url) => url.replace("http://", ""));

  const source = (name: string) => {
    const file = join(stack.folder, `${name}.txt`);
    writeFileSync(file, "line\n");
    return { "connector.class": "FileStreamSource", file, topic: `${name}-topic` };
  };
  const sink = (name: string, tasks: number) => ({
    "connector.class": "FileStreamSink",
    file: join(stack.folder, `${name}.txt`),
    topics: "some-topic",
    "tasks.max": String(tasks),
  });

  beforeAll(async () => {
    // So long that no test would see work move after it: a worker that leaves gives its work up at once.
    stack = await TestStack.start({ props: { "scheduled.rebalance.max.delay.ms": "600000" } });
    await stack.rest.create("first", source("first"));
    await stack.statuses.running("first");
    other = await stack.startAnotherWorker();
    follower = new RestClient(other.restUrl);
  });
  afterAll(() => stack.close());

  test("share connectors and tasks, whichever worker created them", async () => {
    await follower.create("wide", sink("wide", 4));
    const { tasks } = await stack.statuses.until("wide", (statuses) => {
      const owners = new Set(statuses.tasks.map(([, { workerId }]) => workerId));
      return (
        statuses.tasks.length === 4 && owners.size === 2 && statuses.tasks.every(([, { state }]) => state === "RUNNING")
      );
    });
    expect(new Set(tasks.map(([, { workerId }]) => workerId))).toEqual(new Set(workerIds()));
    expect(((await follower.get("/connectors")).body as string[]).sort()).toEqual(["first", "wide"]);
  });

  test("forward another worker's requests, and return its answer unchanged", async () => {
    const config = source("passed-on");
    const created = await follower.post("/connectors", { name: "passed-on", config });
    expect(created).toMatchObject({
      status: 201,
      body: { name: "passed-on", config: { ...config, name: "passed-on" } },
    });
    await stack.statuses.running("passed-on");
    const again = await follower.post("/connectors", { name: "passed-on", config });
    expect(again).toMatchObject({
      status: 409,
      body: { error_code: 409, message: "Connector passed-on already exists" },
    });
    for (const rest of [stack.rest, follower]) {
      expect((await rest.post("/connectors/passed-on/restart")).status).toBe(204);
      expect((await rest.post("/connectors/passed-on/tasks/0/restart")).status).toBe(204);
      expect((await rest.post("/connectors/passed-on/restart?includeTasks=true")).status).toBe(202);
    }
    await stack.statuses.running("passed-on");
    expect((await follower.put("/connectors/passed-on/pause")).status).toBe(202);
    await stack.statuses.until("passed-on", ({ tasks }) => tasks[0]?.[1].state === "PAUSED");
    expect((await follower.put("/connectors/passed-on/stop")).status).toBe(204);
    await stack.statuses.until("passed-on", ({ tasks }) => tasks.length === 0);
    expect((await follower.delete("/connectors/passed-on")).status).toBe(204);
    await stack.statuses.gone("passed-on");
  });

  test("learn the topics of their connectors again after a reset", async () => {
    const [file, copy] = ["first", "first-copy"].map((name) => join(stack.folder, `${name}.txt`)) as [string, string];
    await stack.rest.create("first-copy", { ...sink("first-copy", 1), topics: "first-topic" });
    await stack.statuses.topics("first-copy", ["first-topic"]);
    const users = ["first", "first-copy"];
    await stack.statuses.topics("first", ["first-topic"]);
    for (const [index, rest] of [stack.rest, follower].entries()) {
      const forgotten = users.map((name) => stack.statuses.topics(name, []));
      for (const name of users) expect((await rest.put(`/connectors/${name}/topics/reset`)).status).toBe(202);
      await Promise.all(forgotten);
      let noted = false;
      const learnt = Promise.all(users.map((name) => stack.statuses.topics(name, ["first-topic"])));
      void learnt.then(() => {
        noted = true;
      });
      // A worker that has not read of the reset yet takes the line's topic for a known one.
      for (let lines = 1; !noted; lines++) {
        appendFileSync(file, `again-${index}-${lines}\n`);
        await Promise.race([learnt, fileText(copy, (text) => text.includes(`again-${index}-${lines}\n`))]);
      }
    }
    expect((await stack.rest.delete("/connectors/first-copy")).status).toBe(204);
    await stack.statuses.gone("first-copy");
    await stack.statuses.topics("first-copy", []);
  });

  test("a request that was forwarded twice is answered 409", async () => {
    const answer = await follower.send("POST", "/connectors?forward=false", { name: "far", config: source("far") });
    expect(answer).toMatchObject({ status: 409, body: { error_code: 409 } });
  });

  test("task configs with a wrong signature are refused", async () => {
    const unsigned = await stack.rest.post("/connectors/wide/tasks", []);
    expect(unsigned).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("missing required signature") },
    });
    const headers = {
      "Content-Type": "application/json",
      "X-Connect-Authorization": Buffer.from("guess").toString("base64"),
      "X-Connect-Request-Signature-Algorithm": "HmacSHA256",
    };
    const wrong = await stack.rest.sendText("POST", "/connectors/wide/tasks", "[]", headers);
    expect(wrong).toMatchObject({ status: 403, body: { message: "Internal request contained invalid signature." } });
  });

  test("one takes over the other's work when that leaves", async () => {
    const [kept] = workerIds();
    const alone = (name: string, tasks: number) =>
      stack.statuses.until(
        name,
        (statuses) =>
          statuses.tasks.length === tasks &&
          statuses.connector?.state === "RUNNING" &&
          [statuses.connector, ...statuses.tasks.map(([, status]) => status)].every(
            ({ state, workerId }) => state === "RUNNING" && workerId === kept,
          ),
      );
    await other.close();
    await alone("wide", 4);
    await alone("first", 1);
    // Of this one all tasks begin to run in its last generation.
    other = await stack.startAnotherWorker();
    const [, joined] = workerIds();
    await stack.statuses.until(
      "wide",
      ({ tasks }) =>
        tasks.every(([, { state }]) => state === "RUNNING") && tasks.some(([, { workerId }]) => workerId === joined),
    );
    await other.close();
    await alone("wide", 4);
  });
});
