import { expect, test } from "vitest";
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
  const flush = (of = task) => {
    answered = deferred();
    requests.answer(0, { type: "flushOffsets", run: 1, request: 1, entries: [] }, of, () => true);
    return answered.promise;
  };
  return { steps, state, task, flush };
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
