import { expect, test } from "vitest";
import { STRING } from "../../../../src/api/index.js";
import { predicate, sourceRecord } from "../transformed.js";

test("HasHeaderKey", () => {
  const has = predicate("HasHeaderKey", { name: "a" });
  const headers = [{ key: "a", schema: STRING, value: null }];
  expect([has.test(sourceRecord({ headers })), has.test(sourceRecord())]).toEqual([true, false]);
  expect(() => predicate("HasHeaderKey", { name: "" })).toThrow(/String must be non-empty/);
});

test("RecordIsTombstone looks at the value alone", () => {
  const is = predicate("RecordIsTombstone", {});
  expect([is.test(sourceRecord({ schema: STRING })), is.test(sourceRecord({ value: "" }))]).toEqual([true, false]);
});

test("TopicNameMatches matches whole names, in Java's syntax", () => {
  const matches = predicate("TopicNameMatches", { pattern: "(?i)ORD\\p{Lower}++" });
  const tested = ["orders", "orders2", "xorders"].map((topic) => matches.test(sourceRecord({ topic })));
  expect(tested).toEqual([true, false, false]);
  expect(() => predicate("TopicNameMatches", { pattern: "(" })).toThrow(
    /Invalid value \( for configuration pattern: Invalid regex: /,
  );
});
