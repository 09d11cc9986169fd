import { expect, test } from "vitest";
import { Closers } from "../../../src/base/closers.js";

test("Closers close everything in reverse order and report every failure", async () => {
  const closed: string[] = [];
  const closers = new Closers();
  closers.add("a", () => void closed.push("a"));
  closers.add("b", () => Promise.reject(new Error("stuck")));
  closers.add("c", () => void closed.push("c"));
  await expect(closers.close()).rejects.toThrow("Closing b failed");
  expect(closed).toEqual(["c", "a"]);
  await closers.close();
});
