import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileText } from "../support/file-watch.js";
import { TestStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-built-in-transforms-"));
const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";
let stack: TestStack;

beforeAll(async () => {
  stack = await TestStack.start();
});

afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

test("lines pass built-in transformations of a source and of a sink", async () => {
  const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
  writeFileSync(from, "one\ntwo\n");
  await stack.rest.create("from", {
    "connector.class": "FileStreamSource",
    file: from,
    topic: "raw.lines",
    "value.converter": JSON_CONVERTER,
    transforms: "hoist,insert,key,route,none",
    "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
    "transforms.hoist.field": "line",
    "transforms.insert.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.insert.topic.field": "from!",
    "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey",
    "transforms.key.fields": "line",
    "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.route.regex": "raw[.](.*)",
    "transforms.route.replacement": "$1",
    "transforms.none.type": "org.apache.kafka.connect.transforms.Filter",
    "transforms.none.predicate": "raw",
    predicates: "raw",
    "predicates.raw.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    "predicates.raw.pattern": "raw.*",
  });
  await stack.rest.create("to", {
    "connector.class": "FileStreamSink",
    file: to,
    topics: "lines",
    "value.converter": JSON_CONVERTER,
    transforms: "offset,drop",
    "transforms.offset.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.offset.offset.field": "offset",
    "transforms.drop.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms.drop.renames": "line:text",
  });
  const text = await fileText(to, (found) => found.includes("two"));
  expect(text).toBe("Struct{text=one,from=raw.lines,offset=0}\nStruct{text=two,from=raw.lines,offset=1}\n");
});
