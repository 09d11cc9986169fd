import { expect, test } from "vitest";
import { ConfigError, ConflictError } from "../../../../src/api/index.js";
import { TaskFencing } from "../../../../src/herder/fencing/task-fencing.js";

const ID = { connector: "shop", task: 1 };

function fencing(options: { error?: Error; isCurrent?: boolean }) {
  let refreshed = 0;
  const made = new TaskFencing({
    fence: async () => {
      if (options.error) throw options.error;
    },
    refresh: async () => refreshed++,
    isCurrent: () => options.isCurrent ?? true,
  });
  return { made, refreshed: () => refreshed };
}

test("a task may start once its predecessors are fenced and it is still of the newest commit", async () => {
  const { made, refreshed } = fencing({});
  await made.fence(ID);
  await made.confirm(ID);
  expect(refreshed()).toBe(1);
});

test("an outdated task waits for its stop, and does not write meanwhile", async () => {
  const { made } = fencing({ isCurrent: false });
  await expect(made.fence(ID)).rejects.toMatchObject({ name: "RetriableError", code: "FENCING_FAILED" });
  await expect(made.confirm(ID)).rejects.toMatchObject({ name: "RetriableError", code: "FENCING_FAILED" });
});

test("a round that was overtaken is tried again; a refusal is final", async () => {
  const overtaken = fencing({ error: new ConflictError("CONFIG_CHANGED", "configured anew") });
  await expect(overtaken.made.fence(ID)).rejects.toMatchObject({ name: "RetriableError" });
  const refused = fencing({ error: new ConfigError("exactly.once.support", "no", { code: "FENCING_FAILED" }) });
  await expect(refused.made.fence(ID)).rejects.toMatchObject({ name: "ConfigError" });
});
