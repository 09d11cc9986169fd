import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kafkaClient } from "../support/kafka-client.js";
import { startWorkerProcess, TestStack } from "../support/stack.js";

const NO_DELAY = { "scheduled.rebalance.max.delay.ms": "0" };
const TOPIC = "connect-status";

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start({ props: NO_DELAY });
});
afterAll(() => stack?.close());

/** Reads the status topic until the last record of every key satisfies `predicate`: what compaction keeps. */
async function lastRecords(kafka: string, keys: readonly string[], predicate: (status: Status) => boolean) {
  const client = kafkaClient(kafka);
  const consumer = client.consumer({ properties: { "auto.offset.reset": "earliest" } });
  consumer.assign([0, 1].map((partition) => ({ topic: TOPIC, partition })));
  const last = new Map<string, Status>();
  while (!keys.every((key) => last.has(key) && predicate(last.get(key)!))) {
    for (const { records } of await consumer.poll(60_000)) {
      for (const { key, value } of records) last.set(String(key), JSON.parse(String(value)));
    }
  }
  await consumer.close();
  await client.close();
}

interface Status {
  readonly state: string;
  readonly worker_id: string;
}

test("a worker that was frozen beyond its session leaves no status over its successor's", async () => {
  const frozen = await startWorkerProcess(stack, NO_DELAY);
  await stack.worker.close();
  const file = join(stack.folder, "out.txt");
  await frozen.rest.create("c", { "connector.class": "FileStreamSink", topics: "t", file });
  await stack.statuses.running("c");
  await stack.startWorker();
  // It is a member from here on, and balance leaves it nothing to do.
  expect((await stack.rest.post("/connectors/c/restart")).status).toBe(204);
  await stack.statuses.running("c");

  const successor = stack.worker.restUrl.replace("http://", "");
  const succeeded = (state: string) =>
    stack.statuses.until("c", ({ connector, tasks }) =>
      [connector, tasks[0]?.[1]].every((status) => status?.state === state && status.workerId === successor),
    );
  process.kill(frozen.process.pid, "SIGSTOP");
  await succeeded("RUNNING");
  // The frozen worker will read this before it learns that it was dropped.
  await stack.rest.put("/connectors/c/pause");
  await succeeded("PAUSED");
  process.kill(frozen.process.pid, "SIGCONT");

  await frozen.rest.create("after", { "connector.class": "FileStreamSink", topics: "t", file });
  const thawed = frozen.rest.url.replace("http://", "");
  await stack.statuses.until("after", ({ connector }) => connector?.workerId === thawed);
  await lastRecords(
    stack.kafka,
    ["status-connector-c", "status-task-c-0"],
    ({ state, worker_id }) => state === "PAUSED" && worker_id === successor,
  );
  await frozen.process.stop();
});
