import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

const call = async (method: string, target: string, body?: unknown) => (await registry.call(method, target, body)).text;

describe("the configuration", () => {
  test("is BACKWARD at first, and of a subject only once it is set", async () => {
    expect(await call("GET", "/config")).toBe('{"compatibilityLevel":"BACKWARD"}');
    expect(await call("GET", "/config/s")).toBe(
      errorText(40408, "Subject 's' does not have subject-level compatibility configured"),
    );
    expect(await call("PUT", "/config", { compatibility: "full" })).toBe('{"compatibility":"FULL"}');
    expect(await call("GET", "/config/s?defaultToGlobal=true")).toBe('{"compatibilityLevel":"FULL"}');
    expect(await call("PUT", "/config/s", { compatibility: "NONE" })).toBe('{"compatibility":"NONE"}');
    expect(await call("GET", "/config/s")).toBe('{"compatibilityLevel":"NONE"}');
  });

  test("keeps what a change leaves out, and forgets what it sets to null", async () => {
    await call("PUT", "/config/s", { compatibility: "FORWARD", alias: "t" });
    expect(await call("PUT", "/config/s", { normalize: true })).toBe(
      '{"alias":"t","normalize":true,"compatibility":"FORWARD"}',
    );
    expect(await call("PUT", "/config/s", { compatibility: null, alias: null })).toBe('{"normalize":true}');
    expect(await call("GET", "/config/s")).toBe('{"normalize":true,"compatibilityLevel":"BACKWARD"}');
    expect(await call("PUT", "/config/s", { compatibilityPolicy: "lenient" })).toBe(
      '{"normalize":true,"compatibilityPolicy":"LENIENT"}',
    );
    expect(await call("PUT", "/config/s", { compatibilityPolicy: "odd" })).toBe('{"normalize":true}');
  });

  test("answers what it was when it is removed, and then that it is not there", async () => {
    await call("PUT", "/config/s", { compatibility: "FULL" });
    expect(await call("DELETE", "/config/s")).toBe('{"compatibilityLevel":"FULL"}');
    expect(await call("DELETE", "/config/s")).toBe(errorText(40401, "Subject 's' not found."));
  });

  test("has no other levels", async () => {
    expect(await call("PUT", "/config", { compatibility: "SOME" })).toBe(
      errorText(
        42203,
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive",
      ),
    );
  });

  test("of a context and of all counts for their subjects", async () => {
    await call("PUT", "/config/:.__GLOBAL:", { compatibility: "FULL" });
    expect(await call("GET", "/config/:.c:s?defaultToGlobal=true")).toBe('{"compatibilityLevel":"FULL"}');
    await call("PUT", "/config/:.c:", { compatibility: "NONE" });
    expect(await call("GET", "/config/:.c:s?defaultToGlobal=true")).toBe('{"compatibilityLevel":"NONE"}');
    expect(await call("GET", "/config/s?defaultToGlobal=true")).toBe('{"compatibilityLevel":"FULL"}');
  });

  test("adds metadata around those of a schema", async () => {
    await call("PUT", "/config/s", {
      defaultMetadata: { properties: { a: "default", b: "default" } },
      overrideMetadata: { properties: { c: "override" } },
    });
    const answer = await registry.register("s", '"int"', { metadata: { properties: { b: "own", c: "own" } } });
    expect(answer).toMatchObject({ metadata: { properties: { a: "default", b: "own", c: "override" } } });
  });

  test("normalises, if it says so", async () => {
    await call("PUT", "/config", { normalize: true });
    const schema = '{"type":"string","z":1,"a":2}';
    expect(await registry.register("s", schema)).toMatchObject({ schema: '{"type":"string","a":2,"z":1}' });
  });
});

describe("the mode", () => {
  test("is READWRITE at first, and of a subject only once it is set", async () => {
    expect(await call("GET", "/mode")).toBe('{"mode":"READWRITE"}');
    expect(await call("GET", "/mode/s")).toBe(
      errorText(40409, "Subject 's' does not have subject-level mode configured"),
    );
    expect(await call("GET", "/mode/s?defaultToGlobal=true")).toBe('{"mode":"READWRITE"}');
    expect(await call("PUT", "/mode/s", { mode: "readonly" })).toBe('{"mode":"readonly"}');
    expect(await call("GET", "/mode/s")).toBe('{"mode":"READONLY"}');
    expect(await call("DELETE", "/mode/s")).toBe('{"mode":"READONLY"}');
    expect(await call("DELETE", "/mode/s")).toBe(errorText(40401, "Subject 's' not found."));
    expect(await call("DELETE", "/mode/s?recursive=true")).toBe("{}");
  });

  test("has no other values", async () => {
    expect(await call("PUT", "/mode", { mode: "X" })).toBe(
      errorText(42204, "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD."),
    );
    expect(await call("PUT", "/mode", { mode: "FORWARD" })).toBe(
      errorText(42204, "Forward mode only supported on global level"),
    );
  });

  test("READONLY refuses all changes", async () => {
    await registry.register("s", '"int"');
    await registry.register(":.c:s", '"int"');
    await call("PUT", "/mode", { mode: "READONLY" });
    const refusal = errorText(42205, "Subject s in context  is in read-only mode");
    expect(await call("POST", "/subjects/s/versions", { schema: '"long"' })).toBe(refusal);
    expect(await call("DELETE", "/subjects/s")).toBe(refusal);
    expect(await call("DELETE", "/subjects/s/versions/1")).toBe(refusal);
    expect(await call("PUT", "/config/s", { compatibility: "NONE" })).toBe(refusal);
    expect(await call("PUT", "/config", { compatibility: "NONE" })).toBe(
      errorText(42205, "Subject null in context  is in read-only mode"),
    );
    await call("PUT", "/mode/:.c:", { mode: "READONLY" });
    expect(await call("DELETE", "/subjects/:.c:s")).toBe(
      errorText(42205, "Subject :.c:s in context :.c: is in read-only mode"),
    );
  });

  test("IMPORT takes ids and versions as they are given", async () => {
    await registry.register("s", '"int"');
    expect(await call("PUT", "/mode", { mode: "IMPORT" })).toBe(
      errorText(42205, "Cannot import since found existing subjects"),
    );
    expect(await call("PUT", "/mode?force=true", { mode: "IMPORT" })).toBe('{"mode":"IMPORT"}');
    expect(await registry.register("t", '"string"', { id: 100, version: 7 })).toMatchObject({ id: 100, version: 7 });
    expect(await call("POST", "/subjects/t/versions", { schema: '"bytes"', id: 100 })).toBe(
      errorText(42205, "Overwrite new schema with id 100 in context  is not permitted."),
    );
    expect(await call("POST", "/subjects/t/versions", { schema: '"bytes"' })).toBe(
      errorText(42205, "Subject t in context  is not in read-write mode"),
    );
    expect(await registry.register("t", '"string"')).toMatchObject({ id: 100, version: 7 });
    expect(await registry.register("t", '"int"', { id: 101 })).toMatchObject({ id: 101, version: 8 });
    await call("PUT", "/mode", { mode: "READWRITE" });
    expect(await registry.register("u", '"double"')).toMatchObject({ id: 102, version: 1 });
  });

  test("IMPORT of a scope forgets what is deleted there", async () => {
    await registry.register("s", '"int"');
    await call("DELETE", "/subjects/s");
    expect(await call("PUT", "/mode/s", { mode: "IMPORT" })).toBe('{"mode":"IMPORT"}');
    expect(await call("GET", "/subjects?deleted=true")).toBe("[]");
    expect(registry.topic.texts.map(([key]) => key)).toContain('{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}');
  });

  test("does not change where it is not mutable", async () => {
    const fixed = await MemoryRegistry.open(undefined, { isModeMutable: false });
    expect((await fixed.call("PUT", "/mode", { mode: "READONLY" })).text).toBe(
      errorText(42205, "Mode changes are not allowed"),
    );
    await fixed.close();
  });
});

describe("contexts", () => {
  test("have ids of their own", async () => {
    await registry.register("s", '"string"');
    expect(await registry.register(":.c1:s", '"int"')).toMatchObject({ id: 1, version: 1 });
    expect(await call("GET", "/contexts")).toBe('[".",".c1"]');
    expect(await call("GET", "/contexts/.c1/subjects")).toBe('[":.c1:s"]');
    expect(await call("GET", "/subjects?subjectPrefix=")).toBe('["s"]');
    expect(await call("GET", "/contexts/c1/schemas/ids/1/schema")).toBe('"int"');
    expect(await call("GET", "/schemas/ids/1/schema")).toBe('"string"');
    for (const path of ["/contexts/c1/subjects/s", "/contexts/:.c1:/subjects/s", "/subjects/:.c1:s"]) {
      expect(await call("GET", `${path}/versions`)).toBe("[1]");
      expect(await call("GET", `${path}/versions/1`)).toContain('"subject":":.c1:s"');
    }
    expect(await call("PUT", "/contexts/c1/config", { compatibility: "NONE" })).toBe('{"compatibility":"NONE"}');
    expect(await call("GET", "/config/:.c1:")).toBe('{"compatibilityLevel":"NONE"}');
    expect(await call("GET", "/contexts/a:b/subjects")).toBe(
      errorText(400, "Context name 'a:b' cannot contain a colon"),
    );
  });

  test("are fallen back to by subjects that name none", async () => {
    await registry.register(":.c1:s", '"int"');
    expect(await call("GET", "/subjects/s/versions/1")).toContain('"subject":":.c1:s"');
    expect(await call("GET", "/subjects/:.:s/versions/1")).toContain('"subject":":.c1:s"');
    expect(await call("POST", "/subjects/s", { schema: '"int"' })).toContain('"subject":":.c1:s"');
    expect(await call("GET", "/schemas/ids/1?subject=s")).toContain('"subject":":.c1:s"');
    expect(await call("GET", "/subjects/s/versions")).toBe(errorText(40401, "Subject 's' not found."));
    expect(await call("GET", "/subjects/:.c2:s/versions/1")).toBe(errorText(40401, "Subject ':.c2:s' not found."));
  });

  test("go once they are empty", async () => {
    await registry.register(":.c:s", '"int"');
    expect(await call("DELETE", "/contexts/.c")).toBe(errorText(42211, "The specified context ':.c:' is not empty."));
    await call("DELETE", "/subjects/:.c:s");
    await call("DELETE", "/subjects/:.c:s?permanent=true");
    expect(await registry.call("DELETE", "/contexts/.c")).toMatchObject({ status: 204, text: "" });
    expect(await call("GET", "/contexts")).toBe('["."]');
    expect((await registry.call("DELETE", "/contexts/.never")).status).toBe(204);
  });

  test("an alias leads reads and writes to another subject, but no checks of compatibility", async () => {
    await call("PUT", "/config/a", { alias: "s" });
    await registry.register("a", '"int"');
    expect(await call("GET", "/subjects")).toBe('["s"]');
    expect(await call("GET", "/subjects/a/versions")).toBe("[1]");
    expect(await call("POST", "/compatibility/subjects/a/versions/latest", { schema: '"string"' })).toBe(
      '{"is_compatible":true}',
    );
    expect(await call("DELETE", "/subjects/a/versions/1")).toBe("1");
  });
});
