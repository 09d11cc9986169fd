import { expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { TaskRequests } from "../../../../src/worker/host/task-requests.js";
import type { SourceOffsetStore } from "../../../../src/worker/worker.js";

test("a task stores nothing before all that was stored until its start has been read", async () => {
  const steps: string[] = [];
  const offsets = {
    read: async () => {
      steps.push("read");
      return [];
    },
    flush: async () => void steps.push("flush"),
  } as unknown as SourceOffsetStore;
  let answered = deferred();
  const requests = new TaskRequests(offsets, undefined, () => answered.resolve());
  const task = { id: { connector: "c", task: 0 }, start: { connectorProps: {} } };
  const flush = async (of: typeof task) => {
    answered = deferred();
    requests.answer(0, { type: "flushOffsets", run: 1, request: 1, entries: [] }, of, () => true);
    await answered.promise;
  };
  await flush(task);
  await flush(task);
  await flush({ ...task });
  expect(steps).toEqual(["read", "flush", "flush", "read", "flush"]);
});
