import { afterEach, beforeEach, expect, test } from "vitest";
import { LoopDiedError, mustRun } from "../../../src/base/command-loop.js";
import { deferred } from "../../../src/base/deferred.js";

// The test runner itself listens for uncaught exceptions and would fail the run.
let listeners: NodeJS.UncaughtExceptionListener[];
const caught = deferred<Error>();

beforeEach(() => {
  listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", caught.resolve);
});
afterEach(() => {
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener);
});

test("a loop that fails ends the process with its name and reason; one that ends by itself does not", async () => {
  mustRun("The writer", Promise.resolve());
  mustRun("The reader", Promise.reject(new TypeError("offset is undefined")));
  const error = await caught.promise;
  expect(error).toBeInstanceOf(LoopDiedError);
  expect(error).toMatchObject({
    message: "The reader has ended: offset is undefined",
    cause: { name: "TypeError" },
  });
});
