import { expect, test } from "vitest";
import { QuotaRate } from "../../../../src/broker/quotas/quota-rate.js";

const WINDOW = { samples: 11, sampleMs: 1000 };

test("a client may use ten seconds of its quota at once, and waits for what it uses beyond", () => {
  const rate = new QuotaRate();
  rate.record(1000, 0, WINDOW);
  expect(rate.throttleMs(100, 0, WINDOW)).toBe(0);
  rate.record(500, 0, WINDOW);
  expect(rate.throttleMs(100, 0, WINDOW)).toBe(5000);
});

test("what was used counts until its window has passed", () => {
  const rate = new QuotaRate();
  rate.record(1500, 0, WINDOW);
  rate.record(100, 9000, WINDOW);
  expect(rate.throttleMs(100, 10_500, WINDOW)).toBe(5500);
  expect(rate.throttleMs(100, 11_000, WINDOW)).toBe(0);
  expect(rate.isIdle(11_000, WINDOW)).toBe(false);
  expect(rate.isIdle(20_000, WINDOW)).toBe(true);
});

test("what is taken back does not count", () => {
  const rate = new QuotaRate();
  rate.record(1500, 0, WINDOW);
  rate.record(-1500, 0, WINDOW);
  rate.record(1000, 5, WINDOW);
  expect(rate.throttleMs(100, 5, WINDOW)).toBe(0);
});
