import { expect, test } from "vitest";
import { Backoff } from "../../../src/base/backoff.js";
import { SeededRandom } from "../../../src/base/random.js";

test("Backoff grows to its maximum and starts again", () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0 }, new SeededRandom(1));
  expect([1, 2, 3, 4, 5].map(() => backoff.nextMs())).toEqual([100, 200, 400, 800, 1000]);
  backoff.reset();
  expect(backoff.nextMs()).toBe(100);
});
