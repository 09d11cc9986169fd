import { expect, test } from "vitest";
import { FileSourceConnector, fileSourceConfig } from "../../../../connectors/file/file-source-connector.js";
import { parseConfig, type SourceMap } from "../../../../src/api/index.js";

test.each(["a b", "ä", ".", "..", "a/b", "x".repeat(250)])("the topic name %j is refused by its key", (topic) => {
  expect(() => parseConfig(fileSourceConfig, { topic })).toThrow(/for configuration topic: A topic name has/);
});

test.each(["a.b_c-1", "...", "x".repeat(249)])("the topic name %j is accepted", (topic) => {
  expect(parseConfig(fileSourceConfig, { topic }).topic).toBe(topic);
});

const HERE = { filename: "f" };

test.each<[SourceMap, SourceMap | null]>([
  [HERE, { position: 0 }],
  [HERE, { position: 9223372036854775807n, other: 1 }],
  [{ filename: null }, { position: 1 }],
  [{}, null],
])("the offset %o %o can be stored", async (partition, offset) => {
  const props = { file: "f", topic: "t" };
  expect(await new FileSourceConnector().alterOffsets(props, [{ partition, offset }])).toBe(true);
});

test.each<[SourceMap, SourceMap, string]>([
  [HERE, {}, "Offset objects should either be null or contain the key 'position'"],
  [HERE, { position: "1" }, "The value for the 'position' key in the offset is expected to be a Long value"],
  [HERE, { position: 1.5 }, "The value for the 'position' key in the offset is expected to be a Long value"],
  [HERE, { position: -1 }, "The value for the 'position' key in the offset should be a non-negative value"],
  [{ other: 1 }, { position: 1 }, "Partition objects should contain the key 'filename'"],
])("the offset %o %o is refused", async (partition, offset, message) => {
  const refused = new FileSourceConnector().alterOffsets({ file: "f", topic: "t" }, [{ partition, offset }]);
  await expect(refused).rejects.toMatchObject({ code: "OFFSET_INVALID", message });
});

test("standard input has no offsets to alter", async () => {
  const refused = new FileSourceConnector().alterOffsets({ topic: "t" }, []);
  await expect(refused).rejects.toThrow("Offsets cannot be modified if the 'file' configuration is unspecified");
});
