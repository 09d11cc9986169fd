import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

const GUID = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";
const record = (fields: string) => `{"type":"record","name":"R","fields":[${fields}]}`;

describe("registering", () => {
  test("gives ids from 1 on, one for each content", async () => {
    expect(await registry.register("a", '"string"')).toMatchObject({ id: 1, version: 1 });
    expect(await registry.register("b", '"int"')).toMatchObject({ id: 2, version: 1 });
    expect(await registry.register("c", '{"type": "string"}')).toMatchObject({ id: 1, version: 1 });
  });

  test("the same schema again writes nothing, in any spelling", async () => {
    await registry.register("s", record('{"name":"a","type":"int"}'));
    const { sends } = registry.topic;
    const again = await registry.register("s", '{"fields":[{"type":"int","name":"a"}], "name":"R","type":"record"}');
    expect(again).toMatchObject({ id: 1, version: 1 });
    expect(registry.topic.sends).toBe(sends);
  });

  test("answers the whole record, in its order", async () => {
    const answer = await registry.call("POST", "/subjects/s/versions", { schema: '"string"' });
    expect(answer.text).toBe(
      `{"id":1,"version":1,"guid":"${GUID}","schemaType":"AVRO","schema":"\\"string\\"","deleted":false}`,
    );
  });

  test.each([
    ["{", "Unexpected end-of-input"],
    [record('{"name":"a","type":"Foo"}'), "Undefined schema: Foo"],
    [record('{"name":"x","type":"int","default":"q"}'), 'Invalid default for field x: "q" not a "int"'],
  ])("refuses %s", async (schema, message) => {
    const { status, json } = await registry.call("POST", "/subjects/s/versions", { schema });
    expect([status, (json as { error_code: number }).error_code]).toEqual([422, 42201]);
    expect((json as { message: string }).message).toMatch(/^Invalid schema of type AVRO, details: /);
    expect((json as { message: string }).message).toContain(message);
  });

  test.each([
    [{ schema: '"int"', schemaType: "FOO" }, 42201, "Invalid schema type FOO"],
    [{ schema: " " }, 42201, "Empty schema"],
    [{ schema: '"int"', version: 5 }, 42201, "Version is not one more than previous version"],
    [{ schema: '"int"', id: 7 }, 42205, "Subject s in context  is not in import mode"],
    [
      { schema: '"int"', references: [{ name: "n", subject: "none", version: -1 }] },
      42201,
      'No schema reference found for subject "none" and version -1',
    ],
  ])("refuses %j", async (request, code, message) => {
    expect((await registry.call("POST", "/subjects/s/versions", request)).text).toBe(errorText(code, message));
  });

  test("names a reference that is missing", async () => {
    const references = [{ name: "n", subject: "none", version: 3 }];
    const { json } = await registry.call("POST", "/subjects/s/versions", { schema: '"int"', references });
    expect(JSON.stringify(json)).toContain('No schema reference found for subject \\"none\\" and version 3');
  });

  test("an empty text takes over the latest schema", async () => {
    await registry.register("s", '"string"');
    expect(await registry.register("s", "")).toMatchObject({ id: 1, version: 1 });
  });

  test("a rule set is neither stored nor answered", async () => {
    const answer = await registry.register("s", '"string"', { ruleSet: { domainRules: [{ name: "r" }] } });
    expect(answer).not.toHaveProperty("ruleSet");
    expect(registry.topic.texts.at(-1)![1]).not.toContain("ruleSet");
  });

  test("metadata are stored, answered, inherited, found, and make another guid", async () => {
    const metadata = { properties: { z: "1", owner: "ann" } };
    const first = await registry.register("s", '"string"', { metadata });
    expect(first).toMatchObject({ id: 1, metadata: { properties: { owner: "ann", z: "1" } } });
    expect(first).not.toHaveProperty("guid", GUID);
    const next = await registry.register("s", '["string","int"]');
    expect(next).toMatchObject({ id: 2, version: 2, metadata });
    const found = await registry.get("/subjects/s/metadata?key=owner&value=ann&key=z&value=1");
    expect(found.json).toMatchObject({ version: 2 });
    expect((await registry.get("/subjects/s/metadata?key=owner&value=bob")).text).toBe(
      errorText(40403, "Schema not found"),
    );
    expect((await registry.get("/subjects/t/metadata?key=a&value=b")).text).toBe(
      errorText(40401, "Subject 't' not found."),
    );
  });

  test("a version in the request becomes a property", async () => {
    const answer = await registry.register("s", '"string"', { version: -1 });
    expect(answer).toMatchObject({ version: 1, metadata: { properties: { "confluent:version": "1" } } });
  });

  test("an incompatible schema is refused, with the whole reason", async () => {
    await registry.register("s", record('{"name":"a","type":"string"}'));
    const schema = record('{"name":"a","type":"string"},{"name":"b","type":"int"}');
    const answer = await registry.call("POST", "/subjects/s/versions", { schema });
    expect(answer.status).toBe(409);
    expect(answer.text).toBe(
      errorText(
        40901,
        `Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'b'}, {oldSchemaVersion: 1}, {oldSchema: '${record('{"name":"a","type":"string"}')}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`,
      ),
    );
    expect((await registry.call("POST", "/subjects/s/versions?force=true", { schema })).status).toBe(200);
  });

  test.each(["a\u0001b", "__GLOBAL", ":.c:__EMPTY", ":.__GLOBAL:s"])("refuses the subject %j", async (subject) => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    expect((await registry.call("POST", path, { schema: '"int"' })).text).toBe(
      errorText(42208, `The specified subject '${subject}' is not a valid.`),
    );
  });

  test("takes any other subject, with slashes, too", async () => {
    await registry.register("a/b c", '"int"');
    expect((await registry.get("/subjects")).text).toBe('["a/b c"]');
  });
});

describe("looking up", () => {
  const lookUp = (subject: string, schema: string, query = "") =>
    registry.call("POST", `/subjects/${subject}${query}`, { schema });

  test("finds a schema under its subject", async () => {
    await registry.register("s", '"string"');
    expect((await lookUp("s", '{"type":"string"}')).text).toBe(
      `{"subject":"s","version":1,"id":1,"guid":"${GUID}","schemaType":"AVRO","schema":"\\"string\\"","deleted":false}`,
    );
    expect((await lookUp("s", '"int"')).text).toBe(errorText(40403, "Schema not found"));
    expect((await lookUp("s", "")).text).toBe(errorText(40403, "Schema not found"));
    expect((await lookUp("t", '"string"')).text).toBe(errorText(40401, "Subject 't' not found."));
  });

  test("finds versions by number and as the latest, in all spellings", async () => {
    await registry.register("s", '"int"');
    await registry.register("s", '"long"');
    for (const version of ["latest", "-1", "LATEST", "2", "02", "+2", "%202"]) {
      expect((await registry.get(`/subjects/s/versions/${version}`)).json).toMatchObject({ version: 2 });
    }
    for (const version of ["0", "x", "2147483648", "1.5"]) {
      expect((await registry.get(`/subjects/s/versions/${version}`)).text).toBe(
        errorText(
          42202,
          `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
        ),
      );
    }
    expect((await registry.get("/subjects/s/versions/3")).text).toBe(errorText(40402, "Version 3 not found."));
    expect((await registry.get("/subjects/t/versions/1")).text).toBe(errorText(40401, "Subject 't' not found."));
    expect((await registry.get("/subjects/s/versions/1/schema")).text).toBe('"int"');
    expect((await registry.get("/subjects/s/versions")).text).toBe("[1,2]");
  });

  test("finds schemas by id and by guid", async () => {
    await registry.register("s", '"string"');
    await registry.register("t", '"string"');
    expect((await registry.get("/schemas/ids/1")).text).toBe(
      `{"guid":"${GUID}","schemaType":"AVRO","schema":"\\"string\\"","deleted":false}`,
    );
    expect((await registry.get("/schemas/ids/1?subject=t")).json).toMatchObject({ subject: "t", version: 1 });
    expect((await registry.get("/schemas/ids/1?fetchMaxId=true")).json).toMatchObject({ maxId: 1 });
    expect((await registry.get("/schemas/ids/1/schema")).text).toBe('"string"');
    expect((await registry.get("/schemas/ids/1/subjects")).text).toBe('["s","t"]');
    expect((await registry.get("/schemas/ids/1/versions")).text).toBe(
      '[{"subject":"s","version":1},{"subject":"t","version":1}]',
    );
    expect((await registry.get(`/schemas/guids/${GUID}`)).json).toMatchObject({ schema: '"string"' });
    expect((await registry.get(`/schemas/guids/${GUID}/ids`)).text).toBe('[{"context":".","id":1}]');
    expect((await registry.get("/schemas/guids/x/ids")).text).toBe("[]");
  });

  test.each([
    ["/schemas/ids/99", "Schema 99 not found"],
    ["/schemas/ids/-1", "Schema -1 not found"],
    ["/schemas/ids/99/schema", "Schema 99 not found"],
    ["/schemas/ids/99/subjects", "Schema not found"],
    ["/schemas/ids/99/versions", "Schema not found"],
    ["/schemas/guids/x", "Schema x not found"],
  ])("does not find %s", async (target, message) => {
    expect((await registry.get(target)).text).toBe(errorText(40403, message));
  });

  test("lists schemas, of the default context unless a prefix says otherwise", async () => {
    await registry.register("s", '"int"');
    await registry.register("s", '"long"');
    await registry.register(":.c:t", '"int"');
    const names = async (query: string) =>
      ((await registry.get(`/schemas${query}`)).json as { subject: string; version: number }[]).map(
        ({ subject, version }) => `${subject}/${version}`,
      );
    expect(await names("")).toEqual(["s/1", "s/2"]);
    expect(await names("?latestOnly=true&subjectPrefix=:*:")).toEqual([":.c:t/1", "s/2"]);
  });
});

describe("references", () => {
  const REFERENCE = '{"type":"record","name":"n.A","fields":[]}';
  const schema = record('{"name":"a","type":"n.A"}');

  test("are resolved, named in the text and inlined on demand", async () => {
    await registry.register("ref", REFERENCE);
    const references = [{ name: "n.A", subject: "ref", version: -1 }];
    const answer = await registry.register("s", schema, { references });
    expect(answer).toMatchObject({ id: 2, schema, references: [{ name: "n.A", subject: "ref", version: 1 }] });
    expect((await registry.get("/subjects/s/versions/1?format=resolved")).json).toMatchObject({
      schema: record('{"name":"a","type":{"type":"record","name":"A","namespace":"n","fields":[]}}'),
    });
    expect((await registry.get("/subjects/ref/versions/1/referencedby")).text).toBe("[2]");
    const inlined = record(`{"name":"a","type":${REFERENCE}}`);
    expect(await registry.register("s", inlined)).toMatchObject({ id: 2, version: 1 });
  });

  test("keep what they refer to", async () => {
    await registry.register("ref", REFERENCE);
    await registry.register("s", schema, { references: [{ name: "n.A", subject: "ref", version: 1 }] });
    const refusal = errorText(
      42206,
      "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=ref,version=1}.",
    );
    expect((await registry.call("DELETE", "/subjects/ref")).text).toBe(refusal);
    expect((await registry.call("DELETE", "/subjects/ref/versions/1")).text).toBe(refusal);
    await registry.call("DELETE", "/subjects/s");
    expect((await registry.call("DELETE", "/subjects/ref")).text).toBe("[1]");
    expect((await registry.call("DELETE", "/subjects/ref?permanent=true")).text).toBe(refusal);
    await registry.call("DELETE", "/subjects/s?permanent=true");
    expect((await registry.call("DELETE", "/subjects/ref?permanent=true")).text).toBe("[1]");
  });
});
