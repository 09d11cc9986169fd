import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

const record = (fields: string) => `{"type":"record","name":"R","fields":[${fields}]}`;
const A = '{"name":"a","type":"string"}';
const B = '{"name":"b","type":"int"}';
const check = async (schema: string, query = "", version = "/latest") =>
  (await registry.call("POST", `/compatibility/subjects/s/versions${version}${query}`, { schema })).text;
const messages = async (schema: string, version = "/latest") =>
  (JSON.parse(await check(schema, "?verbose=true", version)) as { messages: string[] }).messages;
const level = (compatibility: string) => registry.call("PUT", "/config/s", { compatibility });

const missing = (field: string, at: number, one: string, other: string) =>
  `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field '${field}' at path '/fields/${at}' in the ${one} schema has no default value and is missing in the ${other} schema', additionalInfo:'${field}'}`;

describe("a check of compatibility", () => {
  test("says whether, and why not if it is asked", async () => {
    await registry.register("s", record(A));
    expect(await check(record(A))).toBe('{"is_compatible":true}');
    expect(await check(record(A), "?verbose=true")).toBe('{"is_compatible":true,"messages":[]}');
    expect(await check(record(`${A},${B}`))).toBe('{"is_compatible":false}');
    expect(await messages(record(`${A},${B}`))).toEqual([
      missing("b", 1, "new", "old"),
      "{oldSchemaVersion: 1}",
      `{oldSchema: '${record(A)}'}`,
      "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ]);
  });

  test("FORWARD reads new data with the old schema", async () => {
    await registry.register("s", record(`${A},${B}`));
    await level("FORWARD");
    expect(await messages(record(A))).toEqual([
      missing("b", 1, "old", "new"),
      "{oldSchemaVersion: 1}",
      `{oldSchema: '${record(`${A},${B}`)}'}`,
      "{validateFields: 'false', compatibility: 'FORWARD'}",
    ]);
  });

  test("FULL shows the old schema only if the new one cannot read it", async () => {
    await registry.register("s", record(A));
    await level("FULL");
    expect(await messages(record(""))).toEqual([
      missing("a", 0, "old", "new"),
      "{validateFields: 'false', compatibility: 'FULL'}",
    ]);
    expect(await messages(record(B))).toEqual([
      missing("a", 0, "old", "new"),
      missing("b", 0, "new", "old"),
      "{oldSchemaVersion: 1}",
      `{oldSchema: '${record(A)}'}`,
      "{validateFields: 'false', compatibility: 'FULL'}",
    ]);
  });

  test("transitive levels compare with all versions, the newest first, and stop at the first fault", async () => {
    await level("NONE");
    await registry.register("s", '"int"');
    await registry.register("s", '"string"');
    await registry.register("s", '"bytes"');
    await level("BACKWARD");
    expect(await check('"bytes"', "", "")).toBe('{"is_compatible":true}');
    await level("BACKWARD_TRANSITIVE");
    expect((await messages('"bytes"', ""))[1]).toBe("{oldSchemaVersion: 1}");
    expect((await messages('"boolean"', ""))[1]).toBe("{oldSchemaVersion: 3}");
    expect(await check('"boolean"', "?verbose=true", "/1")).toContain("{oldSchemaVersion: 1}");
  });

  test("NONE allows everything", async () => {
    await registry.register("s", '"int"');
    await level("NONE");
    expect(await check('"string"')).toBe('{"is_compatible":true}');
  });

  test("needs a version that there is, or the latest of none", async () => {
    expect(await check('"int"')).toBe('{"is_compatible":true}');
    expect(await check('"int"', "", "/3")).toBe(errorText(40402, "Version 3 not found."));
    expect(await check('"int"', "", "/0")).toContain("42202");
  });

  test("shows why a schema is invalid", async () => {
    expect(await check("")).toBe(errorText(42201, "Empty schema"));
    const [message] = await messages('{"type":"x"}');
    expect(message).toContain("Type not supported: x");
    expect(await check('{"type":"x"}')).toContain('"error_code":42201');
  });

  test("cuts long texts", async () => {
    const long = record(`{"name":"a","type":"string","doc":"${"x".repeat(11_000)}"}`);
    await registry.register("s", long);
    const lines = await messages(record(B));
    expect(lines[2]).toBe(`{oldSchema: <truncated> '${long.slice(0, 10_240)}...'}`);
  });

  test("compares within a group only", async () => {
    await registry.call("PUT", "/config/s", { compatibilityGroup: "major" });
    await registry.register("s", '"int"', { metadata: { properties: { major: "1" } } });
    expect(await registry.register("s", '"string"', { metadata: { properties: { major: "2" } } })).toMatchObject({
      version: 2,
    });
  });

  test("keeps reserved fields away", async () => {
    await registry.call("PUT", "/config/s", { validateFields: true });
    const metadata = { properties: { "confluent:reserved": "old" } };
    await registry.register("s", record(A), { metadata });
    const answer = await registry.call("POST", "/subjects/s/versions", {
      schema: record(`${A},{"name":"old","type":"int","default":0}`),
      metadata,
    });
    expect(answer.text).toContain("The new schema has field that conflicts with the reserved field old.");
    const without = await registry.call("POST", "/subjects/s/versions", {
      schema: record(""),
      metadata: { properties: { other: "x" } },
    });
    expect(without.text).toContain(
      "The new schema has reserved field old removed from its metadata which is present in the old schema's metadata.",
    );
  });
});
