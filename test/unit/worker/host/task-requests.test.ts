import { expect, test } from "vitest";
import type { SourceOffset } from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { HostCommand } from "../../../../src/worker/host/task-host-messages.js";
import { TaskRequests } from "../../../../src/worker/host/task-requests.js";
import type { SourceOffsetStore } from "../../../../src/worker/worker.js";

function rig() {
  const steps: string[] = [];
  const state = { era: 1, isOver: false };
  const offsets = {
    read: async () => {
      steps.push("read");
      return [];
    },
    eras: async () => ({ worker: state.era }),
    workerEra: () => state.era,
    records: async (...[, , , , eras]) => {
      steps.push(`records ${eras?.worker}`);
      return { topic: "own", records: [], isOverlaid: true };
    },
    committed: async (...[, , , , eras]) => void steps.push(`committed ${eras?.worker}`),
    flush: async (...[, , , , eras]) => void steps.push(`flush ${eras.worker}`),
  } satisfies Partial<SourceOffsetStore> as unknown as SourceOffsetStore;
  const fencing = {
    fence: async () => {},
    confirm: async () => {
      if (state.isOver) throw new Error("over");
    },
  };
  let answered = deferred<HostCommand>();
  const requests = new TaskRequests(offsets, fencing, (_host, answer) => answered.resolve(answer));
  const task = { id: { connector: "c", task: 0 }, start: { connectorProps: {} } };
  const ask = (type: "flushOffsets" | "offsetRecords" | "offsetsCommitted", entries: SourceOffset[], of = task) => {
    answered = deferred();
    requests.answer(0, { type, run: 1, request: 1, entries }, of, () => true);
    return answered.promise;
  };
  const flush = (of = task) => ask("flushOffsets", [], of);
  return { steps, state, task, requests, ask, flush };
}

test("a task stores nothing before all that was stored until its start has been read", async () => {
  const { steps, task, flush } = rig();
  await flush();
  await flush();
  await flush({ ...task });
  expect(steps).toEqual(["read", "flush 1", "flush 1", "read", "flush 1"]);
});

test("a task whose offsets were altered stores more only if it is not over", async () => {
  const { steps, state, flush } = rig();
  await flush();
  state.era = 3;
  state.isOver = true;
  expect(await flush()).toHaveProperty("failure");
  state.isOver = false;
  expect(await flush()).not.toHaveProperty("failure");
  expect(steps).toEqual(["read", "flush 1", "flush 3"]);
});

test("a task whose offsets were altered before it first stored any stores them only if it is not over", async () => {
  const { steps, state, task, requests, flush } = rig();
  requests.started(task);
  state.era = 3;
  state.isOver = true;
  expect(await flush()).toHaveProperty("failure");
  state.isOver = false;
  expect(await flush()).not.toHaveProperty("failure");
  expect(steps).toEqual(["read", "flush 3"]);
});

test("what a task deletes before its transaction belongs to its era, and none of a later one", async () => {
  const { steps, state, task, requests, ask } = rig();
  requests.started(task);
  const deleted = [{ partition: { p: "a" }, offset: null }];
  expect(await ask("offsetRecords", deleted)).not.toHaveProperty("failure");
  state.era = 3;
  state.isOver = true;
  expect(await ask("offsetRecords", deleted)).toHaveProperty("failure");
  expect(steps).toEqual(["read", "records 1"]);
});

test("offsets of a committed transaction go to the worker's topic in the task's own era if it is over", async () => {
  const { steps, state, task, requests, ask } = rig();
  requests.started(task);
  state.era = 3;
  state.isOver = true;
  expect(await ask("offsetsCommitted", [{ partition: { p: "a" }, offset: { at: 1 } }])).not.toHaveProperty("failure");
  expect(steps).toEqual(["read", "committed 1"]);
});
