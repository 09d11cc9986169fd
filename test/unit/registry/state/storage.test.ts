import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryLog } from "../../../support/memory-log.js";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

const put = (topic: MemoryLog, key: string, value: string | null) =>
  topic.append({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) });

function copied(topic: MemoryLog): MemoryLog {
  const copy = new MemoryLog();
  for (const [key, value] of topic.texts) put(copy, key, value);
  return copy;
}

/** The topic after its compaction: the last record of each key, without the tombstones. */
function compacted(topic: MemoryLog): MemoryLog {
  const last = new Map(topic.texts.map(([key, value], at) => [key, { value, at }]));
  const left = new MemoryLog();
  for (const [key, { value }] of [...last].sort(([, a], [, b]) => a.at - b.at))
    if (value !== null) put(left, key, value);
  return left;
}

describe("the topic", () => {
  let registry: MemoryRegistry;
  beforeEach(async () => {
    registry = await MemoryRegistry.open();
  });
  afterEach(() => registry.close());

  test("holds records byte by byte like the original's", async () => {
    await registry.register("s", '"string"', { metadata: { properties: { b: "1", a: "2" } } });
    await registry.register(":.c:s", '"int"', { references: [] });
    await registry.call("PUT", "/config", { compatibility: "NONE" });
    await registry.call("PUT", "/config/s", { compatibility: "FULL", normalize: true });
    await registry.call("PUT", "/mode", { mode: "READWRITE" });
    await registry.call("PUT", "/mode/s", { mode: "READWRITE" });
    await registry.call("DELETE", "/subjects/:.c:s/versions/1");
    await registry.call("DELETE", "/subjects/s");
    await registry.call("DELETE", "/subjects/s?permanent=true");
    expect(registry.topic.texts).toEqual([
      [
        '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
        '{"subject":"s","version":1,"id":1,"schemaType":"AVRO","metadata":{"properties":{"a":"2","b":"1"}},"schema":"\\"string\\"","deleted":false}',
      ],
      ['{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}', '{"tenant":"default","context":".c"}'],
      [
        '{"keytype":"SCHEMA","subject":":.c:s","version":1,"magic":1}',
        '{"subject":":.c:s","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
      ],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"NONE"}'],
      ['{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","normalize":true,"compatibilityLevel":"FULL"}'],
      ['{"keytype":"MODE","magic":0}', '{"mode":"READWRITE"}'],
      ['{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READWRITE"}'],
      [
        '{"keytype":"SCHEMA","subject":":.c:s","version":1,"magic":1}',
        '{"subject":":.c:s","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":true}',
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
      ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', null],
      ['{"keytype":"MODE","subject":"s","magic":0}', null],
      ['{"keytype":"CONFIG","subject":"s","magic":0}', null],
    ]);
  });

  test("says the same after a restart, and after its compaction", async () => {
    await registry.register("s", '"int"');
    await registry.register("s", '"long"');
    await registry.register("t", '"long"');
    await registry.register(":.c:s", '"string"');
    await registry.call("PUT", "/config/t", { compatibility: "NONE" });
    await registry.call("PUT", "/mode/t", { mode: "READONLY" });
    await registry.call("DELETE", "/subjects/s");
    await registry.register("s", '"double"');
    const questions = [
      "/subjects?deleted=true",
      "/subjects/s/versions?deletedAsNegative=true",
      "/schemas?subjectPrefix=:*:&deleted=true",
      "/schemas/ids/2/versions?deleted=true",
      "/contexts",
      "/config/t",
      "/mode/t",
    ];
    const ask = (of: MemoryRegistry) => Promise.all(questions.map(async (each) => (await of.get(each)).text));
    const before = await ask(registry);
    for (const topic of [copied(registry.topic), compacted(registry.topic)]) {
      const again = await MemoryRegistry.open(topic);
      expect(await ask(again)).toEqual(before);
      await again.close();
    }
  });
});

describe("a topic of another registry", () => {
  test("of 3.x to 7.x is read, with other key bytes and without Avro's type", async () => {
    const topic = new MemoryLog();
    put(
      topic,
      '{"magic":0,"keytype":"SCHEMA","version":1,"subject":"s"}',
      '{"subject":"s","version":1,"id":7,"schema":"\\"string\\"","deleted":false}',
    );
    put(topic, '{"keytype":"NOOP","magic":0}', null);
    put(topic, '{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}');
    const registry = await MemoryRegistry.open(topic);
    expect((await registry.get("/subjects/s/versions/1")).json).toMatchObject({ id: 7, schemaType: "AVRO" });
    expect((await registry.get("/config")).text).toBe('{"compatibilityLevel":"FULL"}');
    expect(await registry.register("t", '"int"')).toMatchObject({ id: 8 });
    expect((await registry.get("/health")).json).toMatchObject({ status: "healthy" });
    await registry.close();
  });

  test("loses what is deleted for good under every spelling of its key", async () => {
    const topic = new MemoryLog();
    const old = '{"magic":0,"keytype":"SCHEMA","version":1,"subject":"s"}';
    put(topic, old, '{"subject":"s","version":1,"id":7,"schema":"\\"string\\"","deleted":false}');
    const registry = await MemoryRegistry.open(topic);
    await registry.call("DELETE", "/subjects/s/versions/1");
    await registry.call("DELETE", "/subjects/s/versions/1?permanent=true");
    expect(topic.texts.slice(-2)).toEqual([
      [old, null],
      ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', null],
    ]);
    await registry.close();
    const again = await MemoryRegistry.open(compacted(topic));
    expect((await again.get("/subjects?deleted=true")).text).toBe("[]");
    await again.close();
  });

  test("with records that are none is read all the same, and the health says so", async () => {
    const topic = new MemoryLog();
    put(topic, "garbage", "x");
    put(topic, '{"keytype":"NEW","magic":0}', "{}");
    put(topic, '{"keytype":"SCHEMA","subject":"s","version":1,"magic":9}', "{}");
    put(topic, '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', '{"subject":"s"}');
    put(topic, '{"keytype":"ASSOC","x":1}', "{}");
    put(
      topic,
      '{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}',
      '{"subject":"s","version":2,"id":1,"schema":"\\"int\\"","deleted":false}',
    );
    const registry = await MemoryRegistry.open(topic);
    expect((await registry.get("/subjects/s/versions")).text).toBe("[2]");
    expect((await registry.get("/health")).json).toMatchObject({ status: "degraded" });
    expect((await registry.get("/metrics")).text).toContain("millrace_registry_skipped_records 4\n");
    await registry.close();
  });

  test("a record that gives an id to another schema is ignored, and the leader writes the old one again", async () => {
    const registry = await MemoryRegistry.open();
    await registry.register("s", '"int"');
    await registry.register("t", '"long"');
    const key = '{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}';
    const before = registry.topic.texts.at(-1)![1];
    put(registry.topic, key, '{"subject":"t","version":1,"id":1,"schema":"\\"bytes\\"","deleted":false}');
    await registry.log.readToEnd();
    // The write back takes its turn before this one.
    await registry.register("u", '"double"');
    expect(registry.topic.texts.at(-2)).toEqual([key, before]);
    expect((await registry.get("/subjects/t/versions/1/schema")).text).toBe('"long"');
    await registry.close();
  });
});

test("a former leader's late write does not take a version from its successor's", async () => {
  const registry = await MemoryRegistry.open();
  await registry.register("s", '"int"');
  const key = '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}';
  for (const id of [1, 2]) {
    put(registry.topic, key, `{"subject":"s","version":1,"id":${id},"schema":"\\"bytes\\"","deleted":false}`);
  }
  await registry.log.readToEnd();
  expect((await registry.get("/subjects/s/versions/1")).json).toMatchObject({ id: 1, schema: '"int"' });
  await registry.register("u", '"double"');
  expect(
    (await MemoryRegistry.open(compacted(registry.topic)).then((of) => of.get("/schemas/ids/1/schema"))).text,
  ).toBe('"int"');
  await registry.close();
});

describe("without a leader", () => {
  test("reads work, and writes are refused", async () => {
    const registry = await MemoryRegistry.open();
    await registry.register("s", '"int"');
    registry.group.place = undefined;
    expect((await registry.get("/subjects")).text).toBe('["s"]');
    expect(await registry.register("s", '"int"')).toMatchObject({ id: 1 });
    expect((await registry.call("POST", "/subjects/s/versions", { schema: '"long"' })).text).toBe(
      errorText(50004, "Leader not known."),
    );
    expect((await registry.call("PUT", "/config", { compatibility: "NONE" })).text).toBe(
      errorText(50004, "Failed to update compatibility level"),
    );
    await registry.close();
  });
});
