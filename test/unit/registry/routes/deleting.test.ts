import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
  await registry.register("s", '"int"');
  await registry.register("s", '"long"');
});
afterEach(() => registry.close());

const del = async (target: string) => (await registry.call("DELETE", target)).text;
const get = async (target: string) => (await registry.get(target)).text;

describe("a subject", () => {
  test("is deleted softly first, then for good", async () => {
    expect(await del("/subjects/s?permanent=true")).toBe(
      errorText(40405, "Subject 's' was not deleted first before being permanently deleted"),
    );
    expect(await del("/subjects/s")).toBe("[1,2]");
    expect(await get("/subjects")).toBe("[]");
    expect(await get("/subjects?deleted=true")).toBe('["s"]');
    expect(await get("/subjects?deletedOnly=true")).toBe('["s"]');
    expect(await get("/subjects/s/versions")).toBe(errorText(40401, "Subject 's' not found."));
    expect(await get("/subjects/s/versions?deletedAsNegative=true")).toBe(errorText(40401, "Subject 's' not found."));
    expect(await get("/schemas/ids/2")).toContain('"schema":"\\"long\\""');
    expect(await get("/schemas/ids/2/subjects")).toBe("[]");
    expect(await get("/schemas/ids/2/subjects?deleted=true")).toBe('["s"]');
    expect(await del("/subjects/s")).toBe(
      errorText(40404, "Subject 's' was soft deleted.Set permanent=true to delete permanently"),
    );
    expect(await del("/subjects/s?permanent=true")).toBe("[1,2]");
    expect(await get("/schemas/ids/2")).toBe(errorText(40403, "Schema 2 not found"));
    expect(await del("/subjects/s")).toBe(errorText(40401, "Subject 's' not found."));
  });

  test("goes on counting after a soft deletion, with the same ids", async () => {
    await del("/subjects/s");
    expect(await registry.register("s", '"int"')).toMatchObject({ id: 1, version: 3 });
    expect(await get("/subjects/s/versions?deleted=true")).toBe("[2,3]");
    // What breaks off between both leaves a schema with its id.
    const [written, removed] = registry.topic.texts.slice(-2);
    expect([JSON.parse(written![1]!), removed![1]]).toEqual([expect.objectContaining({ id: 1, version: 3 }), null]);
  });

  test("counts from 1 again once it is gone, without its configuration and mode, and with new ids", async () => {
    await registry.call("PUT", "/config/s", { compatibility: "NONE" });
    await del("/subjects/s");
    await del("/subjects/s?permanent=true");
    expect(await get("/config/s")).toBe(
      errorText(40408, "Subject 's' does not have subject-level compatibility configured"),
    );
    expect(await registry.register("s", '"string"')).toMatchObject({ id: 3, version: 1 });
  });
});

describe("a version", () => {
  test("is deleted softly first, then for good", async () => {
    expect(await del("/subjects/s/versions/1?permanent=true")).toBe(
      errorText(40407, "Subject 's' Version 1 was not deleted first before being permanently deleted"),
    );
    expect(await del("/subjects/s/versions/1")).toBe("1");
    expect(await get("/subjects/s/versions")).toBe("[2]");
    expect(await get("/subjects/s/versions?deletedAsNegative=true")).toBe("[-1,2]");
    expect(await get("/subjects/s/versions?deletedOnly=true")).toBe("[1]");
    expect(await get("/subjects/s/versions/1")).toBe(errorText(40402, "Version 1 not found."));
    expect(await get("/subjects/s/versions/1?deleted=true")).toContain('"deleted":true');
    expect(await del("/subjects/s/versions/1")).toBe(
      errorText(40406, "Subject 's' Version 1 was soft deleted.Set permanent=true to delete permanently"),
    );
    expect(await del("/subjects/s/versions/1?permanent=true")).toBe("1");
    expect(await get("/subjects/s/versions?deleted=true")).toBe("[2]");
    expect(await del("/subjects/s/versions/latest")).toBe("2");
  });

  test("must be one", async () => {
    expect(await del("/subjects/s/versions/9")).toBe(errorText(40402, "Version 9 not found."));
    expect(await del("/subjects/t/versions/1")).toBe(errorText(40401, "Subject 't' not found."));
  });
});
