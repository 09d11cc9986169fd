import { describe, expect, test } from "vitest";
import { StatusFold, type StoredStatus, statusRecord } from "../../../src/stores/status-fold.js";

const status = (state: StoredStatus["state"], generation = 1, workerId = "w1"): StoredStatus => ({
  state,
  trace: null,
  workerId,
  generation,
  version: "1.0",
});
const c = { connector: "c" };
const task = { connector: "c", task: 0 };

function folded(...records: { key: Buffer; value: Buffer | null }[]): StatusFold {
  const fold = new StatusFold();
  for (const [offset, record] of records.entries()) fold.apply({ ...record, offset });
  return fold;
}

describe("the status topic's records", () => {
  test.each([
    [
      statusRecord.status(c, { ...status("FAILED", 5), trace: "boom\n", version: null }),
      "status-connector-c",
      '{"state":"FAILED","trace":"boom\\n","worker_id":"w1","generation":5,"version":null}',
    ],
    [
      statusRecord.status({ connector: "a-b", task: 12 }, status("RUNNING")),
      "status-task-a-b-12",
      '{"state":"RUNNING","trace":null,"worker_id":"w1","generation":1,"version":"1.0"}',
    ],
    [statusRecord.status(task, null), "status-task-c-0", null],
    [
      statusRecord.topic({ topic: "t", connector: "c", task: 3, discoveredMs: 17 }),
      "status-topic-t:connector-c",
      '{"topic":{"name":"t","connector":"c","task":3,"discoverTimestamp":17}}',
    ],
    [statusRecord.noTopic("t", "c"), "status-topic-t:connector-c", null],
  ])("are written as Kafka Connect writes them: %#", ({ key, value }, expectedKey, expectedValue) => {
    expect([key.toString(), value === null ? null : String(value)]).toEqual([expectedKey, expectedValue]);
  });
});

describe("the fold of the status topic", () => {
  test("reads what it writes", () => {
    const fold = folded(statusRecord.status(c, status("PAUSED")), statusRecord.status(task, status("RUNNING", 2)));
    expect(fold.status(c)).toEqual(status("PAUSED"));
    expect(fold.taskStatuses("c")).toEqual([[0, status("RUNNING", 2)]]);
  });

  test("keeps the new owner's RUNNING when an old owner's UNASSIGNED follows", () => {
    const late = statusRecord.status(task, status("UNASSIGNED", 1, "w1"));
    expect(folded(statusRecord.status(task, status("RUNNING", 2, "w2")), late).status(task)?.state).toBe("RUNNING");
    expect(folded(statusRecord.status(task, status("RUNNING", 0, "w2")), late).status(task)?.state).toBe("UNASSIGNED");
  });

  test("takes UNASSIGNED of the worker that has started the task in the same generation", () => {
    const running = statusRecord.status(task, status("RUNNING", 2, "w1"));
    const stateAfter = (workerId: string, generation: number) =>
      folded(running, statusRecord.status(task, status("UNASSIGNED", generation, workerId))).status(task)?.state;
    expect(stateAfter("w1", 2)).toBe("UNASSIGNED");
    expect(stateAfter("w2", 2)).toBe("RUNNING");
    // Of an earlier process with this name.
    expect(stateAfter("w1", 1)).toBe("RUNNING");
  });

  test("keeps the tasks of a recreated connector, though its old tombstone is read after them", () => {
    const fold = folded(
      statusRecord.status(task, status("FAILED", 2)),
      statusRecord.status(c, status("RUNNING")),
      statusRecord.status(c, null),
      statusRecord.status(c, status("RUNNING", 2)),
    );
    expect(fold.taskStatuses("c")).toEqual([[0, status("FAILED", 2)]]);
  });

  test("lists a connector until its status and those of all its tasks are deleted", () => {
    const records = [
      statusRecord.status(c, status("RUNNING")),
      statusRecord.status(task, status("RUNNING")),
      statusRecord.status(c, null),
    ];
    expect([...folded(...records).connectors()]).toEqual(["c"]);
    expect([...folded(...records, statusRecord.status(task, null)).connectors()]).toEqual([]);
  });

  test("lists topics until they are reset", () => {
    const use = { connector: "c", task: 0, discoveredMs: 1 };
    const fold = folded(
      statusRecord.topic({ ...use, topic: "b" }),
      statusRecord.topic({ ...use, topic: "a" }),
      statusRecord.topic({ ...use, topic: "gone" }),
      statusRecord.noTopic("gone", "c"),
    );
    expect(fold.topics("c")).toEqual(["a", "b"]);
  });

  test.each([
    ["status-connector-c", '{"state":"RUNNING","trace":null,"worker_id":"w","generation":1.5}'],
    ["status-connector-c", '{"state":"DANCING","trace":null,"worker_id":"w","generation":1}'],
    ["status-task-c-0", "[]"],
    ["status-task-c", '{"state":"RUNNING"}'],
    ["something", "{}"],
    ["status-connector-c", "{"],
  ])("ignores %s %s, with the reason", (key, value) => {
    const outcome = new StatusFold().apply({ key: Buffer.from(key), value: Buffer.from(value), offset: 0 });
    expect(outcome.ignored).toMatch(/^it/);
  });

  test("reads a status without a version, as workers before 4.1 write it", () => {
    const fold = new StatusFold();
    const value = '{"state":"RUNNING","trace":null,"worker_id":"w","generation":3}';
    fold.apply({ key: Buffer.from("status-connector-c"), value: Buffer.from(value), offset: 0 });
    expect(fold.status(c)).toMatchObject({ state: "RUNNING", version: null });
  });
});
