import { expect, test } from "vitest";
import { RegexMatcher } from "../../../../../src/broker/groups/consumer/regex-matcher.js";
import { TestTopics } from "../../../../support/test-topics.js";

const all = () => true;
const names = Array.from({ length: 200 }, (_, at) => `orders-of-a-shop-with-a-long-name-${at}`);
const topics = () => new TestTopics(...names.map((name): [string, number] => [name, 1]));
/** More steps for one topic than a usual one takes for all. */
const COSTLY = ".*".repeat(600);

function advance(matcher: RegexMatcher, used: readonly string[], of: TestTopics, nowMs = 0) {
  return matcher.advance(new Set(used), of, all, nowMs);
}

test("a usual expression is matched at once, and again when topics or ten minutes have passed", () => {
  const matcher = new RegexMatcher();
  const some = topics();
  expect(advance(matcher, ["orders-.*9"], some)).toMatchObject([{ names: names.filter((name) => name.endsWith("9")) }]);
  expect(advance(matcher, ["orders-.*9"], some, 599_999)).toEqual([]);
  expect(advance(matcher, ["orders-.*9"], some, 600_000)).toHaveLength(1);
  some.create("orders-9", 1);
  expect(advance(matcher, ["orders-.*9"], some, 600_000)[0]!.names).toContain("orders-9");
});

test("a costly expression is matched with a few topics at once, and the others after it are, too", () => {
  const matcher = new RegexMatcher();
  const some = topics();
  const asked: string[] = [];
  const mayMatch = (topic: string) => asked.push(topic) > 0;
  const parts: number[] = [];
  for (let done = 0; done < 2; ) {
    const before = asked.length;
    done += matcher.advance(new Set([COSTLY, "orders-.*"]), some, mayMatch, 0).length;
    parts.push(asked.length - before);
  }
  expect(parts.length).toBeGreaterThan(10);
  expect(Math.max(...parts.slice(0, -1))).toBeLessThan(20);
  expect(asked).toEqual([...names, ...names]);
});

test("topics that come while an expression is matched are matched next", () => {
  const matcher = new RegexMatcher();
  const some = topics();
  expect(advance(matcher, [COSTLY], some)).toEqual([]);
  some.create("later", 1);
  const found: string[][] = [];
  while (found.length < 2) found.push(...advance(matcher, [COSTLY], some).map((each) => [...each.names]));
  expect(found).toEqual([names, [...names, "later"]]);
  expect(advance(matcher, [COSTLY], some)).toEqual([]);
});

test("forgets an expression that no member has any more, matched or not", () => {
  const matcher = new RegexMatcher();
  const some = topics();
  for (let at = 0; at < 50; at++) {
    advance(matcher, [`orders-${at}`], some);
    advance(matcher, [`${COSTLY}${at}`], some);
  }
  expect(matcher.size).toBe(1);
});
