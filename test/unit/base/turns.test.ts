import { expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { Turns } from "../../../src/base/turns.js";

test("steps of one key take turns, whatever the outcome of the one before; other keys do not wait", async () => {
  const turns = new Turns();
  const gate = deferred();
  const done: string[] = [];
  const first = turns.take("a", async () => {
    await gate.promise;
    done.push("a1");
    throw new Error("a1 failed");
  });
  const second = turns.take("a", async () => done.push("a2"));
  await turns.take("b", async () => done.push("b1"));
  gate.resolve();
  await expect(first).rejects.toThrow("a1 failed");
  await second;
  await turns.take("a", async () => done.push("a3"));
  expect(done).toEqual(["b1", "a1", "a2", "a3"]);
});
