import { afterAll, beforeAll, expect, test } from "vitest";
import { isComplete } from "../../../src/demo/check/judge-pipeline.js";
import { Pipeline } from "../../support/pipeline.js";
import type { ConnectorStatuses, StatusWatch } from "../../support/status-watch.js";

let pipeline: Pipeline;
let statuses: StatusWatch;

beforeAll(async () => {
  pipeline = await Pipeline.start(1);
  await pipeline.run();
  statuses = await pipeline.statuses();
  await pipeline.reached({ streamed: 500 }, 60_000);
}, 120_000);

afterAll(async () => {
  await statuses?.close();
  await pipeline?.stop();
});

const task = ({ tasks }: ConnectorStatuses) => tasks[0]?.[1];
const waits = (statuses: ConnectorStatuses) => task(statuses)?.state === "RUNNING" && Boolean(task(statuses)?.trace);
const runsClear = (statuses: ConnectorStatuses) => task(statuses)?.state === "RUNNING" && !task(statuses)?.trace;

test("Postgres restarted in mid-stream: the task's status names the cause, it recovers by itself, and nothing is lost", async () => {
  await statuses.until("shop-source", runsClear);
  const waiting = statuses.until("shop-source", waits);
  const seen = pipeline.events;
  await pipeline.endWorkload();
  await pipeline.postgres.kill9();
  const trace = task(await waiting)?.trace ?? "";
  expect(trace).toContain(`127.0.0.1:${pipeline.postgres.port}`);
  await pipeline.postgres.restart();
  await statuses.until("shop-source", runsClear);
  pipeline.startWorkload();
  await pipeline.reached({ events: seen + 500 }, 30_000);
  expect(pipeline.events).toBeGreaterThanOrEqual(seen + 500);
});

test("an object store that answers 503 for 10 s: the task's status names the cause, it recovers by itself, and nothing is lost", async () => {
  await statuses.until("shop-sink", runsClear);
  const waiting = statuses.until("shop-sink", waits);
  const cleared = waiting.then(() => statuses.until("shop-sink", runsClear));
  const fault = pipeline.store.store.faults.add({
    fault: { kind: "answer", code: "SlowDown" },
    operations: ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
    forMs: 10_000,
  });
  await fault.struck;
  const trace = task(await waiting)?.trace ?? "";
  expect(trace).toContain("shop");
  expect(trace).toContain(pipeline.store.store.endpoint);
  expect(trace).not.toContain("test-secret-key");
  await cleared;
  expect(fault.hits).toBeGreaterThan(1);
});

test("after all outages rows, events and objects agree", async () => {
  await pipeline.endWorkload();
  const verdicts = await pipeline.verdict(60_000);
  expect(verdicts.filter((verdict) => !isComplete(verdict))).toEqual([]);
  expect(verdicts.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(90_000);
});
