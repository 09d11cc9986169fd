import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

describe("the server", () => {
  test("answers {} at its root, in its own media type", async () => {
    const answer = await registry.get("/");
    expect(answer).toMatchObject({ status: 200, text: "{}", type: "application/vnd.schemaregistry.v1+json" });
  });

  test.each([
    ["application/json", 200, "application/json"],
    ["application/vnd.schemaregistry+json", 200, "application/vnd.schemaregistry+json"],
    ["application/json;q=0.1, */*", 200, "application/vnd.schemaregistry.v1+json"],
    ["text/html", 406, "application/vnd.schemaregistry.v1+json"],
  ])("of Accept: %s answers %i in %s", async (accept, status, type) => {
    expect(await registry.call("GET", "/subjects", undefined, { accept })).toMatchObject({ status, type });
  });

  test("refuses bodies of other types, and takes those without one", async () => {
    const schema = { schema: '"string"' };
    const refused = await registry.call("POST", "/subjects/s/versions", schema, { "content-type": "text/plain" });
    expect(refused).toMatchObject({ status: 415, text: errorText(415, "HTTP 415 Unsupported Media Type") });
    const bytes = await registry.call("POST", "/subjects/s/versions", schema, {
      "content-type": "application/octet-stream",
    });
    expect(bytes.status).toBe(200);
  });

  test.each([
    ["GET", "/nope", 404, "HTTP 404 Not Found"],
    ["GET", "/schemas/ids/abc", 404, "HTTP 404 Not Found"],
    ["GET", "/schemas/ids/2147483648", 404, "HTTP 404 Not Found"],
    ["GET", "/dek-registry/v1/keks", 404, "HTTP 404 Not Found"],
    ["GET", "/associations/x", 404, "HTTP 404 Not Found"],
    ["PUT", "/subjects", 405, "HTTP 405 Method Not Allowed"],
  ])("refuses %s %s", async (method, target, status, message) => {
    expect(await registry.call(method, target)).toMatchObject({ status, text: errorText(status, message) });
  });

  test.each([
    ["POST", "/subjects/s/versions", "register"],
    ["POST", "/subjects/s", "lookUpSchemaUnderSubject"],
    ["PUT", "/config", "updateTopLevelConfig"],
    ["PUT", "/config/s", "updateSubjectLevelConfig"],
    ["PUT", "/mode", "updateMode"],
    ["POST", "/compatibility/subjects/s/versions/latest", "testCompatibilityBySubjectName"],
    ["POST", "/compatibility/subjects/s/versions", "testCompatibilityForSubject"],
  ])("misses the body of %s %s", async (method, target, name) => {
    expect(await registry.call(method, target, "null")).toMatchObject({
      status: 422,
      text: errorText(422, `${name}.request must not be null (was null)`),
    });
  });

  test("refuses malformed JSON, and ignores unknown members", async () => {
    expect(await registry.call("POST", "/subjects/s/versions", "{")).toMatchObject({ status: 400 });
    expect(await registry.call("POST", "/subjects/s/versions", { schema: {} })).toMatchObject({ status: 400 });
    expect(await registry.register("s", '"string"', { unknown: [1] })).toMatchObject({ id: 1 });
  });

  test("names its types, its cluster and its version", async () => {
    expect((await registry.get("/schemas/types")).text).toBe('["JSON","PROTOBUF","AVRO"]');
    expect((await registry.get("/v1/metadata/id")).text).toBe(
      '{"scope":{"path":[],"clusters":{"kafka-cluster":"cluster-1","schema-registry-cluster":"schema-registry"}}}',
    );
    expect((await registry.get("/v1/metadata/version")).json).toEqual({ version: "8.1.0", commitId: "abc" });
  });

  test("shows its metrics as text, whatever is accepted", async () => {
    await registry.register("s", '"string"');
    const { text, status } = await registry.call("GET", "/metrics", undefined, { accept: "text/plain" });
    expect(status).toBe(200);
    expect(text).toContain('millrace_registry_requests_total{method="POST",status="200"} 1\n');
    expect(text).toContain("millrace_registry_versions 1\n");
  });

  test("lets nobody in without a password where users are configured", async () => {
    const users = [{ flag: "required" as const, users: new Map([["ann", "secret"]]) }];
    const closed = await MemoryRegistry.open(undefined, {}, { users, cors: undefined, headers: [] });
    expect(await closed.get("/subjects")).toMatchObject({
      status: 401,
      text: errorText(401, "User cannot access the resource."),
    });
    const authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
    expect((await closed.call("GET", "/subjects", undefined, { authorization })).status).toBe(200);
    await closed.close();
  });

  test("pages its lists, and takes the default for a limit that is not allowed", async () => {
    for (const subject of ["c", "a", "b"]) await registry.register(subject, '"string"');
    expect((await registry.get("/subjects?limit=2")).text).toBe('["a","b"]');
    expect((await registry.get("/subjects?offset=1&limit=1")).text).toBe('["b"]');
    expect((await registry.get("/subjects?limit=0")).text).toBe('["a","b","c"]');
    expect((await registry.get("/subjects?limit=-3")).text).toBe('["a","b","c"]');
  });

  test("answers like 7.x if it is to", async () => {
    const old = await MemoryRegistry.open(undefined, { release: 7 });
    const registered = await old.call("POST", "/subjects/s/versions", { schema: '"string"' });
    expect(registered.text).toBe('{"id":1,"version":1,"schema":"\\"string\\""}');
    expect((await old.get("/subjects/s/versions/1")).text).toBe(
      '{"subject":"s","version":1,"id":1,"schema":"\\"string\\""}',
    );
    expect((await old.get("/schemas/guids/095d71cf-1255-6b9d-5e33-0ad575b3df5d")).status).toBe(404);
    expect(old.topic.texts[0]![1]).toBe('{"subject":"s","version":1,"id":1,"schema":"\\"string\\"","deleted":false}');
    await old.close();
  });
});
