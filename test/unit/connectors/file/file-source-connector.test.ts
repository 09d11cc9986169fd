import { expect, test } from "vitest";
import { fileSourceConfig } from "../../../../connectors/file/file-source-connector.js";
import { parseConfig } from "../../../../src/api/index.js";

test.each(["a b", "ä", ".", "..", "a/b", "x".repeat(250)])("the topic name %j is refused by its key", (topic) => {
  expect(() => parseConfig(fileSourceConfig, { topic })).toThrow(/for configuration topic: A topic name has/);
});

test.each(["a.b_c-1", "...", "x".repeat(249)])("the topic name %j is accepted", (topic) => {
  expect(parseConfig(fileSourceConfig, { topic }).topic).toBe(topic);
});
